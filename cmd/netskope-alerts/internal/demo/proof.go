package demo

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// proof compares what the tenant made with what lies in the bucket.
type proof struct {
	made, notYet, due        int
	objects, lines           int
	lost, repeated, changed  int
	example, exampleContents string
}

// sound reports whether every alert that is due is there, once and as it was.
func (p proof) sound() bool { return p.lost == 0 && p.repeated == 0 && p.changed == 0 }

// prove reads every object of a folder in the bucket and looks up every one of the alerts in it. It
// relies on nothing that the function says, except where it began.
func (w *world) prove(alerts []netskopetest.Alert, folder, prefix string, from time.Time) (proof, error) {
	p := proof{made: len(alerts)}
	want := map[string]int{} // by the exact line
	through := w.first.Add(3 * time.Hour)
	through = through.Add(-5 * time.Minute).Truncate(5 * time.Minute)
	for _, alert := range alerts {
		if alert.Inserted.Before(from) || !alert.Inserted.Before(through) {
			p.notYet++
			continue
		}
		var line bytes.Buffer
		if err := json.Compact(&line, alert.JSON); err != nil {
			return p, fmt.Errorf("read the tenant's alert %s: %w", alert.ID, err)
		}
		want[line.String()]++
		p.due++
	}
	err := filepath.WalkDir(filepath.Join(folder, filepath.FromSlash(prefix)),
		func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			p.objects++
			if p.example == "" {
				p.example = path
			}
			return eachLine(path, func(line []byte) {
				p.lines++
				if p.exampleContents == "" {
					p.exampleContents = string(line)
				}
				n, ok := want[string(line)]
				switch {
				case !ok:
					p.changed++
				case n == 0:
					p.repeated++
				default:
					want[string(line)]--
				}
			})
		})
	if err != nil {
		return p, fmt.Errorf("read the bucket's objects: %w", err)
	}
	for _, n := range want {
		p.lost += n
	}
	return p, nil
}

func eachLine(path string, each func([]byte)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var content io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if content, err = gzip.NewReader(file); err != nil {
			return fmt.Errorf("unpack %s: %w", path, err)
		}
	}
	lines := bufio.NewScanner(content)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		each(lines.Bytes())
	}
	return lines.Err()
}

func (p proof) print(w text.Terminal, d *Command) {
	fmt.Fprintln(w)
	for _, row := range []struct {
		what string
		n    int
	}{
		{"alerts made by the tenant", p.made},
		{"of them too young to be due", p.notYet},
		{"lines in the bucket", p.lines},
		{"lost", p.lost},
		{"duplicated", p.repeated},
		{"changed", p.changed},
	} {
		fmt.Fprintf(w, "%-28s %9d\n", row.what, row.n)
	}
	fmt.Fprintf(w, "\nThe bucket is left for a look: %d objects such as\n  %s\n  %s\n", p.objects, p.example,
		strings.TrimRight(text.Fit(p.exampleContents, w.Width-2), " "))
	fmt.Fprintf(w, "and the state, %s\n", filepath.Join(d.Out, filepath.FromSlash(layout.StateKey(prefix))))
}
