package status

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/browsertest"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/collectortest"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/golden"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

const (
	pictureFile = "../../../../docs/status.png"
	// pictureMost is how large, in bytes, a picture in a README may be.
	pictureMost = 150_000
)

// demoStatus is of the demo's alerts, collected every hour for a day, at a time that stands
// still.
func demoStatus(t *testing.T) Status {
	at := time.Date(2026, 11, 23, 12, 3, 20, 0, time.UTC)
	hour := at.Truncate(time.Hour)
	var clock time.Time
	tenant, cloud := &netskopetest.Server{}, &gcstest.Server{Now: func() time.Time { return clock }}
	tenant.Add(netskopetest.Profile{Seed: 7, From: hour.Add(-27 * time.Hour), To: hour, N: 20_000,
		VisibleWithin: -1}.Alerts()...)
	c := collectortest.Open(t, tenant, cloud, "LOOKBACK_HOURS=1", "GCS_BUCKET=acme-alerts")
	for run := hour.Add(-26 * time.Hour); !run.After(hour); run = run.Add(time.Hour) {
		clock = run.Add(19 * time.Second)
		collectortest.Run(t, c, run)
	}
	s, err := Read(t.Context(), c, at)
	if err != nil {
		t.Fatal(err)
	}
	s.Tenant = "https://acme.goskope.com"
	return s
}

// TestPicture holds the picture of the page that README.md shows against the page as it is
// today; with -update it takes the picture anew. The picture bears a digest of its page: how
// letters are drawn differs from machine to machine.
func TestPicture(t *testing.T) {
	if testing.Short() && !golden.Updating() {
		t.Skip("NOT TESTED with -short: whether the picture is still the page's, which takes a collected day")
	}
	s := demoStatus(t)
	var page bytes.Buffer
	if err := writeHTML(&page, s); err != nil {
		t.Fatal(err)
	}
	digest := fmt.Sprintf("%x", sha256.Sum256(page.Bytes()))
	if golden.Updating() {
		tab := browsertest.Start(t).Tab()
		tab.At(s.At.Add(20 * time.Second))
		tab.Look(browsertest.View{Width: 1280, Scheme: browsertest.Light})
		tab.Open(browsertest.Serve(t, map[string]func(io.Writer) error{"status": func(w io.Writer) error {
			_, err := w.Write(page.Bytes())
			return err
		}}).Address("status"))
		if err := os.WriteFile(pictureFile, withText(smaller(t, tab.Picture()), "Page\x00"+digest), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	picture, err := os.ReadFile(pictureFile)
	if err != nil {
		t.Fatal(err)
	}
	is, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil || is.Width != 1280 || is.Height < 1000 || len(picture) > pictureMost {
		t.Errorf("%s is %d x %d, %d bytes of %d at most: %v", pictureFile, is.Width, is.Height, len(picture), pictureMost,
			err)
	}
	if !bytes.Contains(picture, []byte(digest)) {
		t.Errorf("%s is not of the page as it is: run the test with -update", pictureFile)
	}
}

// smaller is the picture in its 256 most frequent colours, which is half as large and looks the
// same.
func smaller(t *testing.T, picture []byte) []byte {
	pixels, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	counts, bounds := map[color.RGBA]int{}, pixels.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[color.RGBAModel.Convert(pixels.At(x, y)).(color.RGBA)]++
		}
	}
	frequent := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int {
		return cmp.Or(counts[b]-counts[a], cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var palette color.Palette
	for _, c := range frequent[:min(len(frequent), 256)] {
		palette = append(palette, c)
	}
	drawn := image.NewPaletted(bounds, palette)
	draw.Draw(drawn, bounds, pixels, bounds.Min, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, drawn); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// withText adds a tEXt chunk before the end of the picture (https://www.w3.org/TR/png/#11tEXt).
func withText(picture []byte, text string) []byte {
	const end = 12 // bytes of the chunk IEND
	body := append([]byte("tEXt"), text...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(text)))
	chunk = append(chunk, body...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
	before, after := picture[:len(picture)-end], picture[len(picture)-end:]
	return append(append(append([]byte{}, before...), chunk...), after...)
}
