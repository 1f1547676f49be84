package collector

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
	"netskope-alerts.internal/collector/internal/stream"
)

// childRole makes the test binary a process of its own for the benchmarks, so that the
// collector's memory and processor time are measured without the stand-ins'.
const childRole = "COLLECTOR_BENCHMARK_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(childRole); role {
	case "":
		os.Exit(m.Run())
	case "collect", "copy", "audit":
		if err := benchmarkChild(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "serve":
		fmt.Fprintln(os.Stderr, funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")))
		os.Exit(1)
	}
}

// cost is what a child measured of itself.
type cost struct {
	Alerts   int64
	Bytes    int64
	Seconds  float64
	CPU      float64 // seconds, user and system
	PeakMiB  float64 // resident
	Requests int
}

// benchmarkChild does one run, or copies the same pages without looking at them.
func benchmarkChild(role string) error {
	configs, err := settings.ConfigsFromEnv(os.LookupEnv)
	if err != nil {
		return err
	}
	collectors, err := OpenAll(configs)
	if err != nil {
		return err
	}
	var m cost
	began := time.Now()
	switch role {
	case "copy":
		m, err = copyLoop(collectors[0])
	case "audit":
		var s audit.Summary
		since := benchmarkEnd.Add(-collectors[0].Lookback)
		s, err = collectors[0].Audit(context.Background(), audit.Options{Since: since}, nil)
		m = cost{Alerts: s.Delivered - s.Missing, Requests: s.Requests}
	default:
		var mu sync.Mutex
		SideBySide(collectors, func(c *Collector) {
			r, runErr := c.Run(context.Background(), benchmarkEnd.Add(c.Lag), nil)
			mu.Lock()
			defer mu.Unlock()
			err = errors.Join(err, runErr)
			m.Alerts, m.Bytes, m.Requests = m.Alerts+r.Alerts, m.Bytes+r.Bytes, m.Requests+r.Requests
		})
	}
	if err != nil {
		return err
	}
	m.Seconds = time.Since(began).Seconds()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return err
	}
	m.CPU = time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
	// Not usage.Maxrss: that begins with what the parent had.
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return fmt.Errorf("read peak memory: %w", err)
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscanf(peak, "%f kB", &m.PeakMiB); err != nil {
		return fmt.Errorf("read peak memory: %w", err)
	}
	m.PeakMiB /= 1024
	return json.NewEncoder(os.Stdout).Encode(m)
}

// copyLoop is the floor: the pages of the same hour into objects as large, unseen.
func copyLoop(c *Collector) (m cost, err error) {
	alerts, err := strconv.Atoi(os.Getenv("ALERTS"))
	if err != nil {
		return m, err
	}
	query := url.Values{"limit": {strconv.Itoa(c.PageSize)},
		"insertionstarttime": {fmt.Sprint(benchmarkEnd.Add(-time.Hour).Unix() - 1)},
		"insertionendtime":   {fmt.Sprint(benchmarkEnd.Unix())}}
	for offset := 0; offset < alerts; {
		object := c.Bucket.Handle().Object(fmt.Sprint("copy-", offset))
		w := object.If(storage.Conditions{DoesNotExist: true}).NewWriter(context.Background())
		w.ChunkSize = gcs.WriterChunk
		for range 4 {
			query.Set("offset", strconv.Itoa(offset))
			request, err := http.NewRequest(http.MethodGet, c.Tenant+c.Stream.Path()+"?"+query.Encode(), nil)
			if err != nil {
				return m, err
			}
			request.Header.Set("Netskope-Api-Token", c.Token)
			response, err := c.HTTP.Do(request)
			if err != nil {
				return m, err
			}
			n, err := io.CopyBuffer(struct{ io.Writer }{w}, response.Body, make([]byte, gcs.LineBuffer))
			response.Body.Close()
			if err != nil {
				return m, err
			}
			m.Bytes += n
			m.Requests++
			offset += c.PageSize
		}
		if err := w.Close(); err != nil {
			return m, err
		}
	}
	m.Alerts = int64(alerts)
	return m, nil
}

// benchmarkEnd is where the usual hour ends: the grid's.
var benchmarkEnd = at("2026-11-22T23:55:00Z")

// BenchmarkRun moves an hour of 2 KB alerts from a tenant to a bucket, both stand-ins
// on loopback in this process, with the collector in a process of its own. "copy" is
// the same transfer without parsing, filtering or splitting. In "minute" all alerts came within a minute, and
// as much is in flight as can be: what matters there is the memory, of a run and of an audit. "streams" are the
// same alerts from all six streams at once.
func BenchmarkRun(b *testing.B) {
	for _, test := range []struct {
		name, role string
		alerts     int
		size       int           // bytes of an alert
		within     time.Duration // before benchmarkEnd
		style      netskopetest.Style
		extra      []string
	}{
		{"collect/2000", "collect", 2000, 2048, time.Hour, netskopetest.Compact, nil},
		{"collect/200000", "collect", 200_000, 2048, time.Hour, netskopetest.Compact, nil},
		{"collect-spaced/200000", "collect", 200_000, 2048, time.Hour, netskopetest.Spaced, nil},
		{"collect-gzip/200000", "collect", 200_000, 2048, time.Hour, netskopetest.Compact, []string{"COMPRESSION=gzip"}},
		{"streams/80000", "collect", 80_000, 2048, time.Hour, netskopetest.Compact,
			[]string{"STREAMS=" + stream.Names(stream.All(), ",")}},
		{"copy/200000", "copy", 200_000, 2048, time.Hour, netskopetest.Compact, nil},
		{"minute/2000000", "collect", 2_000_000, 2048, time.Minute, netskopetest.Compact, []string{"IN_FLIGHT=16"}},
		{"minute-audit/2000000", "audit", 2_000_000, 512, time.Minute, netskopetest.Compact, []string{"IN_FLIGHT=16"}},
	} {
		b.Run(test.name, func(b *testing.B) {
			if testing.Short() && test.alerts > 2000 {
				test.alerts = 20_000
			}
			tenant := &netskopetest.Server{Style: test.style}
			alerts := netskopetest.Uniform(1, benchmarkEnd.Add(-test.within), benchmarkEnd, test.alerts, test.size)
			if strings.HasPrefix(strings.Join(test.extra, " "), "STREAMS=") {
				tenant.Events = map[string]*netskopetest.Server{}
				for s, n := range hourOfStreams(len(alerts)) {
					if s != stream.Alert {
						tenant.Events[s.String()] = &netskopetest.Server{}
						tenant.Events[s.String()].Add(alerts[:n]...)
						alerts = alerts[n:]
					}
				}
			}
			tenant.Add(alerts...)
			from := httptest.NewServer(tenant)
			defer from.Close()
			var total cost
			for b.Loop() {
				to := httptest.NewServer(&gcstest.Server{Discard: test.role != "audit"})
				environment := append(os.Environ(), "GCS_BUCKET=bench",
					"NETSKOPE_TENANT="+from.URL, "NETSKOPE_API_TOKEN="+testToken,
					"REQUESTS_PER_SECOND=0", "LOOKBACK_HOURS=1",
					"STORAGE_EMULATOR_HOST="+strings.TrimPrefix(to.URL, "http://"), "ALERTS="+fmt.Sprint(test.alerts))
				environment = append(environment, test.extra...)
				if test.role == "audit" {
					child(b, "collect", environment)
				}
				m := child(b, test.role, environment)
				to.Close()
				if m.Alerts != int64(test.alerts) {
					b.Fatalf("moved %d of %d alerts", m.Alerts, test.alerts)
				}
				total.Bytes += m.Bytes
				total.Seconds += m.Seconds
				total.CPU += m.CPU
				total.Requests = m.Requests
				total.PeakMiB = max(total.PeakMiB, m.PeakMiB)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(total.Bytes)/1e6/total.Seconds, "MB/s")
			b.ReportMetric(float64(total.Bytes)/1e6/total.CPU, "MB/cpu-s")
			b.ReportMetric(float64(test.alerts*b.N)/total.Seconds, "alerts/s")
			b.ReportMetric(total.PeakMiB, "peak-MiB")
			b.ReportMetric(float64(total.Requests), "requests")
		})
	}
}

// child runs this binary in the role, and returns what it measured of itself.
func child(b *testing.B, role string, environment []string) (m cost) {
	child := exec.Command(os.Args[0])
	child.Stderr = os.Stderr
	child.Env = append(environment, childRole+"="+role)
	output, err := child.Output()
	if err != nil || json.Unmarshal(output, &m) != nil {
		b.Fatalf("%s: %v: %s", role, err, output)
	}
	return m
}

// BenchmarkStart measures from the start of the function's process to the answer to
// its first request.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		address := listener.Addr().String()
		listener.Close()
		_, port, _ := net.SplitHostPort(address)
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childRole+"=serve", "FUNCTION_TARGET=CollectAlerts", "PORT="+port)
		log, err := child.StderrPipe()
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := child.Start(); err != nil {
			b.Fatal(err)
		}
		for {
			request, _ := http.NewRequest("POST", "http://"+address, strings.NewReader("{}"))
			request.Header = http.Header{"Content-Type": {"application/json"}, "Ce-Specversion": {"1.0"},
				"Ce-Id": {"1"}, "Ce-Type": {messagePublished}, "Ce-Source": {"//test"}}
			response, err := http.DefaultClient.Do(request)
			if err == nil {
				response.Body.Close()
				break
			}
			time.Sleep(time.Millisecond)
		}
		b.StopTimer()
		line, err := bufio.NewReader(log).ReadString('\n')
		if err != nil || !strings.Contains(line, "GCS_BUCKET is not set") {
			b.Fatalf("the function did not run: %q, %v", line, err)
		}
		child.Process.Kill()
		child.Wait()
		b.StartTimer()
	}
}
