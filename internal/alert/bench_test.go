package alert

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"testing"

	"netskope-alerts.internal/collector/internal/page"
)

// BenchmarkKeyOf makes the key of an alert of 2 KB beside the bound: the checksum of its bytes alone.
func BenchmarkKeyOf(b *testing.B) {
	line := fmt.Appendf(nil, `{"_id":"6f9619ff8b86d011b42d00cf4fc964ff","note":"%s"}`, bytes.Repeat([]byte("x"), 2000))
	a := &page.Alert{Line: line, Object: true, ID: line[7:41]}
	b.Run("key", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(line)))
		for b.Loop() {
			KeyOf(a)
		}
	})
	b.Run("checksum", func(b *testing.B) {
		b.SetBytes(int64(len(line)))
		for b.Loop() {
			crc32.Checksum(line, castagnoli)
		}
	})
}
