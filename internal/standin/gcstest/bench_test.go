package gcstest_test

import (
	"fmt"
	"testing"

	"cloud.google.com/go/storage"
	"google.golang.org/api/option"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// BenchmarkUpload is 256 MB by the real client over the loopback interface. A
// chunk size of 0 is one streamed request.
func BenchmarkUpload(b *testing.B) {
	body := noise(1 << 20)
	for _, discard := range []bool{false, true} {
		for _, chunk := range []int{0, 1 << 20, 4 << 20, 16 << 20} {
			b.Run(fmt.Sprintf("discard=%v/chunk=%dMiB", discard, chunk>>20), func(b *testing.B) {
				s := &gcstest.Server{Discard: discard}
				c := newClient(b, option.WithEndpoint(overTCP(b, s)+"/storage/v1/"), option.WithoutAuthentication())
				const size = 256 << 20
				b.SetBytes(size)
				b.ReportAllocs()
				for b.Loop() {
					w := c.Bucket(bucket).Object("a").If(storage.Conditions{GenerationNotMatch: 1}).NewWriter(b.Context())
					w.ChunkSize = chunk
					for range size / len(body) {
						if _, err := w.Write(body); err != nil {
							b.Fatal(err)
						}
					}
					if err := w.Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
