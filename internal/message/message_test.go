package message

import (
	"testing"
	"unicode/utf8"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

// FuzzParseMessage holds that whatever a message asks for can be done, or is refused.
func FuzzParseMessage(f *testing.F) {
	for _, seed := range []string{
		"{}", `{"verify":"48h","repair":true}`, `{"verify":"-1h"}`, "null", "[]", "{",
		`{"backfill":{"from":"2026-11-01T00:00:00Z","to":"2026-11-01T06:00:00+01:00"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) == 0 {
			return
		}
		asked, err := parse(payload)
		if err != nil {
			return
		}
		if asked.Verify < 0 || asked.Verify > maxVerify || asked.Repair && asked.Verify == 0 ||
			asked.Verify > 0 && !asked.From.IsZero() {
			t.Errorf("%q asks for %+v", payload, asked)
		}
		wholeSeconds := asked.From.Nanosecond() == 0 && asked.To.Nanosecond() == 0
		if !asked.From.IsZero() && (!asked.From.Before(asked.To) || !wholeSeconds) {
			t.Errorf("%q asks for the span %v to %v", payload, asked.From, asked.To)
		}
	})
}

// FuzzRead holds that no event's data does the ordinary but what is empty, and that an error does not
// hold a whole message.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "null", "[]", "x", `{"subscription":"s"}`, `{"message":{}}`, `{"message":null}`,
		`{"message":{"data":""}}`, `{"message":{"data":"x"}}`, `{"message":{"data":"e30="}}`,
		`{"message":{"data":"eyJ2ZXJpZnkiOiI0OGgifQ=="}}`, `{"Message":{"data":"e30="}}`,
		`{"message":{"data":"e30="},"message":{"data":"W10="}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e := cloudevents.NewEvent()
		e.SetType("google.cloud.pubsub.topic.v1.messagePublished")
		e.DataEncoded = data
		asked, err := Read(e)
		if err != nil {
			if asked != (Request{}) || len(err.Error()) > 2000 || !utf8.ValidString(err.Error()) {
				t.Errorf("%q: %+v, %q", data, asked, err)
			}
			return
		}
		if asked.Verify < 0 || asked.Verify > maxVerify || asked.Repair && asked.Verify == 0 ||
			!asked.From.IsZero() && (!asked.From.Before(asked.To) || asked.Verify > 0) {
			t.Errorf("%q asks for %+v", data, asked)
		}
	})
}
