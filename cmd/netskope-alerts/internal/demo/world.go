package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// dayEnd is when the demo's day ends: a fixed moment, so that a seed says all there is to say.
var dayEnd = time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC)

const (
	bucketName = "demo-bucket"
	prefix     = "netskope/alerts"
	token      = "not-a-real-token"
)

// world is the two remote services of the demo, on loopback. The first trigger is three hours
// before the end of its day, and events are sent with the times they had.
type world struct {
	first  time.Time // of the first trigger, UTC
	tenant *netskopetest.Server
	alerts []netskopetest.Alert
	events map[string][]netskopetest.Alert // of the other streams, by name; none without --streams

	servers                []*http.Server
	tenantURL, storageHost string
	now                    atomic.Int64 // the tenant's clock, Unix seconds
	live                   atomic.Bool  // it is the real one
	delivered              atomic.Int64 // alerts visible in the bucket
	limited, broken, lost  atomic.Int64
	storageWrites          atomic.Int64
	failed                 [3]atomic.Bool // what tenantFault has done
}

func startWorld(d *Command) (*world, error) {
	end := dayEnd
	if d.Keep {
		// The other commands look at the clock. All times are shifted, and nothing else.
		end = time.Now().UTC().Truncate(time.Hour) // the schedule is hourly, on the hour
	}
	w := &world{first: end.Add(-3 * time.Hour)}
	w.now.Store(w.first.Unix())
	w.alerts = netskopetest.Profile{Seed: d.Seed, From: w.first.Add(-24 * time.Hour), To: end, N: d.Alerts,
		Peak: w.peak(), VisibleWithin: 4 * time.Minute}.Alerts()
	w.tenant = &netskopetest.Server{Token: token, Seed: d.Seed, Order: netskopetest.Shuffled,
		Style: netskopetest.Spaced, Now: w.clock, Fault: w.tenantFault}
	w.tenant.Add(w.alerts...)
	if d.Streams {
		w.addStreams(d)
	}
	cloud := &gcstest.Server{Buckets: []string{bucketName}, Dir: d.Out, Versioning: true, Fault: w.storageFault,
		Visible: w.visible}

	tenantAddress, err := w.serve(w.tenant)
	if err != nil {
		return nil, err
	}
	w.tenantURL = "http://" + tenantAddress
	if w.storageHost, err = w.serve(cloud); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// peak is when most alerts come, in the same place of every demo's day: at 15:00 UTC if it
// ends at [dayEnd].
func (w *world) peak() time.Time { return w.first.Add(4 * time.Hour) }

func (w *world) clock() time.Time {
	if w.live.Load() {
		return time.Now()
	}
	return time.Unix(w.now.Load(), 0)
}

func (w *world) serve(handler http.Handler) (address string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen on loopback: %w", err)
	}
	server := &http.Server{Handler: handler}
	w.servers = append(w.servers, server)
	go server.Serve(listener)
	return listener.Addr().String(), nil
}

func (w *world) close() {
	for _, server := range w.servers {
		server.Close()
	}
}

// tenantFault limits the rate twice and breaks one page: the first that is asked for of three
// hours. Were it the third request, the sixth and the ninth, then whose these are, several cells
// being asked for at once, would differ from demo to demo.
func (w *world) tenantFault(r netskopetest.Request) netskopetest.Fault {
	for i, before := range []time.Duration{22 * time.Hour, 16 * time.Hour, 19 * time.Hour} {
		moment := w.first.Add(-before)
		if !r.First || r.Start.After(moment) || !r.End.After(moment) || !w.failed[i].CompareAndSwap(false, true) {
			continue
		}
		if i < 2 {
			w.limited.Add(1)
			return netskopetest.RateLimited("1")
		}
		w.broken.Add(1)
		return netskopetest.Fault{Kind: netskopetest.Torn}
	}
	return netskopetest.Fault{}
}

// storageFault loses the answer to the delivery of an object.
func (w *world) storageFault(r gcstest.Request) gcstest.Fault {
	if strings.HasPrefix(r.Destination, prefix+"/") && w.storageWrites.Add(1) == 4 {
		w.lost.Add(1)
		return gcstest.Fault{Lost: gcstest.LostByReset}
	}
	return gcstest.Fault{}
}

func (w *world) visible(o gcstest.Object) {
	if strings.HasPrefix(o.Name, prefix+"/") && !strings.HasSuffix(o.Name, ".gz") {
		w.delivered.Add(int64(bytes.Count(o.Content, []byte("\n"))))
	}
}

// environment is the function's, and nothing of this process's own settings.
func (w *world) environment(d *Command) []string {
	environment := []string{
		"GCS_BUCKET=" + bucketName,
		"GCS_PREFIX=" + prefix,
		"NETSKOPE_TENANT=" + w.tenantURL,
		"NETSKOPE_API_TOKEN=" + token,
		"STORAGE_EMULATOR_HOST=" + w.storageHost,
		"PAGE_SIZE=1000",
		"REQUESTS_PER_SECOND=0",
	}
	environment = append(environment, w.streamSettings()...)
	if d.Gzip {
		environment = append(environment, "COMPRESSION=gzip")
	}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "SystemRoot"} {
		if value, ok := os.LookupEnv(name); ok {
			environment = append(environment, name+"="+value)
		}
	}
	return environment
}

// play sends the events of the day and returns the record of every run.
func (w *world) play(ctx context.Context, f *function) ([]record, error) {
	var rows []record
	for i, name := range []string{"first run", "an hour later", "two hours later", "three hours later",
		"the same event again"} {
		tick := w.first.Add(time.Duration(min(i, 3)) * time.Hour)
		w.now.Store(tick.Unix())
		records, err := f.trigger(ctx, fmt.Sprint("tick-", min(i, 3)), tick, len(w.streams()))
		rows = append(rows, inOrder(name, records)...)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", name, err)
		}
	}
	return rows, nil
}

// showProgress counts the alerts in the bucket, if w is a terminal.
func showProgress(out io.Writer, w *world) (done func()) {
	bar := text.NewProgress(out, int64(len(w.alerts)),
		text.ProgressStyle{Width: 30, What: "alerts in the bucket", Count: true})
	if bar == nil {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			bar.At(w.delivered.Load())
			select {
			case <-tick.C:
			case <-stop:
				bar.Clear()
				return
			}
		}
	}()
	return func() { close(stop); <-stopped }
}
