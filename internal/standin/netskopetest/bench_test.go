package netskopetest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// BenchmarkServe pages through 200,000 alerts of 2 KB over loopback; each
// iteration is one page of 5,000.
func BenchmarkServe(b *testing.B) {
	const n, size, limit = 200_000, 2048, 5000
	alerts := netskopetest.Uniform(1, noon.Add(-time.Hour), noon, n, size)
	for _, gzip := range []bool{false, true} {
		b.Run(fmt.Sprintf("gzip=%v", gzip), func(b *testing.B) {
			s := &netskopetest.Server{Now: always, Gzip: gzip}
			s.Add(alerts...)
			ts := httptest.NewServer(s)
			defer ts.Close()
			get := func(offset int) {
				url := fmt.Sprintf("%s%s?%s&limit=%d&offset=%d", ts.URL, netskopetest.Path, hour, limit, offset)
				req, err := http.NewRequest("GET", url, nil)
				if err != nil {
					b.Fatal(err)
				}
				req.Header.Set("Netskope-Api-Token", "t")
				resp, err := ts.Client().Do(req)
				if err != nil {
					b.Fatal(err)
				}
				read, err := io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if err != nil || read < limit*size {
					b.Fatalf("%d bytes, %v", read, err)
				}
			}
			get(0) // sorts
			b.SetBytes(limit * size)
			for i := 0; b.Loop(); i++ {
				get(i * limit % n)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pages/s")
		})
	}
}

func BenchmarkUniform(b *testing.B) {
	for b.Loop() {
		netskopetest.Uniform(1, noon.Add(-time.Hour), noon, 200_000, 2048)
	}
}

func BenchmarkGenerate(b *testing.B) {
	for b.Loop() {
		netskopetest.Generate(1, dayStart, dayEnd, 10_000)
	}
}

// BenchmarkFirstPage is the cost of ordering a range of 200,000 anew.
func BenchmarkFirstPage(b *testing.B) {
	s := &netskopetest.Server{Now: always}
	s.Add(netskopetest.Uniform(1, noon.Add(-time.Hour), noon, 200_000, 256)...)
	for i := 0; b.Loop(); i++ {
		from := noon.Add(-2*time.Hour - time.Duration(i)*time.Second)
		r := httptest.NewRequest("GET", netskopetest.Path+"?limit=1&"+window(true, from, noon), nil)
		r.Header.Set("Netskope-Api-Token", "t")
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
}
