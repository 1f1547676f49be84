package netskopetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// Uniform makes n alerts of exactly size bytes each, for measurements: their
// insertion times are spread evenly from (inclusive) to (exclusive), their
// events are three seconds older, and they are visible when inserted. They
// share all fields but _id, the times and transaction_id. It panics when size
// is below 256, when no whole second lies in the range, or when an epoch does not have ten
// digits (that is, outside the years 2001 to 2286).
func Uniform(seed uint64, from, to time.Time, n, size int) []Alert {
	first, last := wholeSeconds(from, to)
	if size < 256 {
		panic(fmt.Sprintf("netskopetest: no room for an alert in %d bytes", size))
	}
	if first-3 < 1e9 || last >= 1e10 {
		panic(fmt.Sprintf("netskopetest: [%v, %v) is outside the years 2001 to 2286", from, to))
	}
	r := rand.New(rand.NewPCG(seed, 0x756e69666f726d))
	mould := mouldOf(r, size)
	id, inserted := hole(mould, "_id")+1, hole(mould, "_insertion_epoch_timestamp")
	event, transaction := hole(mould, "timestamp"), hole(mould, "transaction_id")
	// A prefix that counts makes ids unique without remembering them.
	prefix := hex(r, 8)
	alerts := make([]Alert, n)
	for i := range alerts {
		at := time.Unix(first+int64(i)*(last-first+1)/int64(n), 0).UTC()
		record := bytes.Clone(mould)
		copy(record[id:], prefix)
		number(record[id+8:id+24], uint64(i), 16)
		number(record[inserted:inserted+10], uint64(at.Unix()), 10)
		number(record[event:event+10], uint64(at.Unix()-3), 10)
		number(record[transaction:transaction+19], 1e18+r.Uint64N(8e18), 10)
		alerts[i] = Alert{
			ID:    string(record[id : id+24]),
			Event: at.Add(-3 * time.Second), Inserted: at, Visible: at,
			JSON: record,
		}
	}
	return alerts
}

// mouldOf returns a record of the given size with room for what differs: as
// many fields of a policy alert as fit, and one string to fill the rest.
func mouldOf(r *rand.Rand, size int) []byte {
	model := record{r: r, id: hex(r, 24), event: 1e9, inserted: 1e9, family: &stormFamily}
	model.fill()
	essential := []field{
		{"_id", quote(model.id)}, {"_insertion_epoch_timestamp", "1000000000"},
		{"alert_type", `"policy"`}, {"timestamp", "1000000000"},
		{"transaction_id", "1000000000000000000"}, {"object", `""`},
	}
	fields := model.fields
	model.fields = nil
	for _, f := range fields {
		model.omit(f.key)
		model.fields = append(model.fields, f)
	}
	optional := model.fields
	model.fields = essential
	room := size - len(model.print())
	for _, f := range optional {
		known := false
		for _, e := range essential {
			known = known || e.key == f.key
		}
		if cost := len(f.key) + len(f.value) + 4; !known && cost <= room {
			model.fields = append(model.fields, f)
			room -= cost
		}
	}
	filler := make([]byte, room)
	for i := range filler {
		filler[i] = "abcdefghijklmnopqrstuvwxyz012345"[r.IntN(32)]
	}
	model.omit("object")
	model.text("object", string(filler))
	return model.print()
}

// hole returns where the value of a key begins.
func hole(mould []byte, key string) int {
	return bytes.Index(mould, []byte(strconv.Quote(key)+":")) + len(key) + 3
}

// number overwrites dst with n in the given base, with leading zeros.
func number(dst []byte, n uint64, base uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = "0123456789abcdef"[n%base]
		n /= base
	}
}
