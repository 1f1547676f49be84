package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// function is the real one, served by a process of its own as Cloud Run would.
type function struct {
	url     string
	process *exec.Cmd
	records chan record
}

// record is what an operator sees of a run in the log.
type record struct {
	name string

	Event    string    `json:"event"`
	Stream   string    `json:"stream"`
	Severity string    `json:"severity"`
	Message  string    `json:"message"`
	Error    string    `json:"error"`
	From     time.Time `json:"from"`
	To       time.Time `json:"through"`
	Cells    int       `json:"cells"`
	Alerts   int       `json:"alerts"`
	Objects  int       `json:"objects"`
	Retries  int       `json:"retries"`
	Bytes    float64   `json:"bytes"`
	Seconds  float64   `json:"duration_seconds"`
}

// startFunction starts "serve" with the environment and waits until it listens.
func startFunction(ctx context.Context, environment []string) (*function, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("find a free port: %w", err)
	}
	address := listener.Addr().String()
	listener.Close()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("find a free port: %w", err)
	}

	f := &function{url: "http://" + address, process: exec.CommandContext(ctx, program, "serve"),
		records: make(chan record, 100)}
	f.process.Env = append(environment, "PORT="+port)
	stderr, err := f.process.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("read the function's log: %w", err)
	}
	if err := f.process.Start(); err != nil {
		return nil, fmt.Errorf("start the function: %w", err)
	}
	go f.follow(stderr)
	for wait := time.Now().Add(20 * time.Second); ; {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return f, nil
		}
		if time.Now().After(wait) || ctx.Err() != nil {
			f.stop()
			return nil, fmt.Errorf("the function does not listen on %s: %w", address, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// follow passes on the log's records until the function ends.
func (f *function) follow(log io.Reader) {
	defer close(f.records)
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var r record
		if json.Unmarshal(lines.Bytes(), &r) == nil && r.Event != "" {
			f.records <- r
		}
	}
}

// trigger sends a tick as Eventarc does, a CloudEvent in binary mode that holds a
// Pub/Sub message, and returns the run's records, one of each stream.
func (f *function) trigger(ctx context.Context, id string, tick time.Time, streams int) (records []record, err error) {
	stamp := tick.Format(time.RFC3339)
	body := fmt.Sprintf(
		`{"message":{"data":"e30=","messageId":%q,"publishTime":%q},`+
			`"subscription":"projects/demo/subscriptions/eventarc-demo"}`, id, stamp)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, fmt.Errorf("make event: %w", err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Ce-Specversion": "1.0", "Ce-Id": id, "Ce-Time": stamp,
		"Ce-Type":   "google.cloud.pubsub.topic.v1.messagePublished",
		"Ce-Source": "//pubsub.googleapis.com/projects/demo/topics/netskope-alerts-trigger",
	} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("send event: %w", err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // empty in either case
	for len(records) < streams {
		select {
		case r, ok := <-f.records:
			if !ok {
				return records, errors.New("the function ended")
			}
			records = append(records, r)
			if r.Error != "" || r.Stream == "" {
				return records, fmt.Errorf("%s: %s", r.Message, r.Error)
			}
		case <-time.After(10 * time.Second):
			return records, fmt.Errorf("the function answered %s but logged %d of %d records", response.Status,
				len(records), streams)
		}
	}
	if response.StatusCode != http.StatusOK {
		return records, fmt.Errorf("the function answered %s", response.Status)
	}
	return records, nil
}

func (f *function) stop() {
	_ = f.process.Process.Kill() // it has nothing to lose
	_ = f.process.Wait()
}
