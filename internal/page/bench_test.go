package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// syntheticAlert writes one alert of about 2 KB as the service sends them:
// many short strings, numbers, some 64-bit ids, a few nested values.
func syntheticAlert(w *strings.Builder, rng *rand.Rand) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_. "
	word := func(least, most int) string {
		n := least + rng.IntN(most-least+1)
		var s strings.Builder
		for range n {
			s.WriteByte(letters[rng.IntN(len(letters))])
		}
		return s.String()
	}
	names := []string{
		"access_method", "acked", "action", "activity", "alert", "alert_name", "alert_type", "app", "app_session_id",
		"appcategory", "appsuite", "browser", "browser_session_id", "browser_version", "category", "cci", "ccl",
		"connection_id", "count", "device", "device_classification", "dlp_file", "dlp_incident_id", "dlp_profile",
		"dlp_rule", "dlp_rule_count", "dlp_rule_severity", "dst_country", "dst_geoip_src", "dst_latitude", "dst_location",
		"dst_longitude", "dst_region", "dst_timezone", "dst_zipcode", "dstip", "dstport", "file_lang", "file_path",
		"file_size", "file_type", "from_user", "hostname", "instance_id", "ja3", "ja3s", "managed_app", "management_id",
		"md5", "mime_type", "netskope_pop", "nsdeviceuid", "object", "object_type", "organization_unit", "os", "os_version",
		"other_categories", "page", "page_site", "parent_id", "policy", "policy_id", "protocol", "referer", "request_id",
		"severity", "sha256", "site", "src_country", "src_latitude", "src_location", "src_longitude", "src_region",
		"src_timezone", "srcip", "telemetry_app", "traffic_type", "transaction_id", "tunnel_id", "type", "ur_normalized",
		"url", "user", "userip", "userkey", "web_universal_connector",
	}
	fmt.Fprintf(w, `{"_id":"%08x%08x","_insertion_epoch_timestamp":%d,"timestamp":%d`, rng.Uint32(), rng.Uint32(), 1700000000+rng.IntN(1e6), 1700000000+rng.IntN(1e6))
	for i, name := range names {
		fmt.Fprintf(w, `,%q:`, name)
		switch {
		case i%9 == 3:
			fmt.Fprintf(w, "%d", rng.Int64())
		case i%7 == 2:
			fmt.Fprintf(w, "%d", rng.IntN(100000))
		case i%23 == 5:
			fmt.Fprintf(w, "%.4f", rng.Float64()*180-90)
		case i%29 == 7:
			fmt.Fprintf(w, `[%q,%q,{"name":%q,"n":%d}]`, word(3, 12), word(3, 12), word(3, 12), rng.IntN(10))
		case i%31 == 8:
			fmt.Fprintf(w, `{"score":%d,"label":%q,"ok":true,"none":null}`, rng.IntN(100), word(3, 12))
		case i%13 == 6:
			fmt.Fprintf(w, "%q", `https:\/\/`+word(20, 60))
		default:
			fmt.Fprintf(w, "%q", word(2, 14))
		}
	}
	w.WriteByte('}')
}

// syntheticBody returns a body with n alerts in one of the three layouts.
func syntheticBody(n int, layout string) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var w strings.Builder
	w.WriteString(`{"ok":1,"result":[`)
	for i := range n {
		if i > 0 {
			w.WriteByte(',')
		}
		syntheticAlert(&w, rng)
	}
	w.WriteString(`],"wait_time":5}`)
	body := []byte(w.String())
	switch layout {
	case "python":
		return pythonSpaced(body)
	case "pretty":
		var b bytes.Buffer
		if err := json.Indent(&b, body, "", "  "); err != nil {
			panic(err)
		}
		return b.Bytes()
	}
	return body
}

// pythonSpaced puts a space behind every comma and colon outside strings, as
// Python's json.dumps does.
func pythonSpaced(body []byte) []byte {
	var out []byte
	inString := false
	for i := 0; i < len(body); i++ {
		c := body[i]
		out = append(out, c)
		switch {
		case inString && c == '\\':
			i++
			out = append(out, body[i])
		case c == '"':
			inString = !inString
		case !inString && (c == ',' || c == ':'):
			out = append(out, ' ')
		}
	}
	return out
}

// inPieces limits each Read to 16 KiB, as a TLS connection does.
type inPieces struct{ bytes.Reader }

func (p *inPieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), 16<<10)]) }

func BenchmarkSplit(b *testing.B) {
	const alerts = 5000
	for _, layout := range []string{"compact", "python", "pretty"} {
		body := syntheticBody(alerts, layout)
		b.Run("page/"+layout, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			var r Reader
			var in inPieces
			n := 0
			each := func(a *Alert) error {
				if a.ID == nil || a.Timestamp == nil || a.Inserted == nil {
					return errors.New("member missing")
				}
				n++
				return nil
			}
			for b.Loop() {
				n = 0
				in.Reset(body)
				if _, err := r.Read(&in, each); err != nil || n != alerts {
					b.Fatal(n, err)
				}
			}
		})
		b.Run("unmarshal/"+layout, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				var v struct{ Result []json.RawMessage }
				if err := json.Unmarshal(body, &v); err != nil || len(v.Result) != alerts {
					b.Fatal(err)
				}
			}
		})
		b.Run("tokens/"+layout, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				d := json.NewDecoder(bytes.NewReader(body))
				for {
					_, err := d.Token()
					if err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
