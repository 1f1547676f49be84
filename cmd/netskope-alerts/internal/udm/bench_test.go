package udm

import (
	"bytes"
	"encoding/json"
	"testing"
)

// compact are the alerts of testdata, as they are in an object of the bucket.
func compact(b *testing.B) (lines [][]byte, size int64) {
	for _, alert := range alerts(b) {
		var line bytes.Buffer
		if err := json.Compact(&line, alert); err != nil {
			b.Fatal(err)
		}
		lines = append(lines, line.Bytes())
		size += int64(line.Len())
	}
	return lines, size
}

// bench runs work on one alert after the other and reports alerts/s.
func bench(b *testing.B, work func(alert []byte)) {
	lines, size := compact(b)
	b.SetBytes(size / int64(len(lines)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		work(lines[i%len(lines)])
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "alerts/s")
}

func BenchmarkMap(b *testing.B) {
	bench(b, func(alert []byte) {
		if _, err := NetskopeAlert.Map(alert); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkMapToJSON(b *testing.B) {
	var out []byte
	bench(b, func(alert []byte) {
		event, err := NetskopeAlert.Map(alert)
		if err != nil {
			b.Fatal(err)
		}
		out = event.AppendJSON(out[:0])
	})
}

func BenchmarkMapToJSONWithCoverage(b *testing.B) {
	var out []byte
	c := NetskopeAlert.NewCoverage(0)
	bench(b, func(alert []byte) {
		event, err := NetskopeAlert.Map(alert)
		if err != nil {
			b.Fatal(err)
		}
		out = event.AppendJSON(out[:0])
		c.Add(event)
	})
}

func BenchmarkExplain(b *testing.B) {
	bench(b, func(alert []byte) {
		if _, err := NetskopeAlert.Explain(alert); err != nil {
			b.Fatal(err)
		}
	})
}
