package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"golang.org/x/term"

	"netskope-alerts.internal/collector"
)

// collection is what the configuration in the environment names.
type collection struct {
	collector.Config
	bucket *storage.BucketHandle
	client *http.Client // for the tenant
}

// open reads the configuration. It connects to nothing yet.
func (s streams) open() (collection, error) {
	c, err := collector.ConfigFromEnv(s.lookup)
	if err != nil {
		return collection{}, err
	}
	bucket, err := collector.OpenBucket(c.Bucket)
	if err != nil {
		return collection{}, err
	}
	return collection{c, bucket, &http.Client{Transport: collector.NewTransport()}}, nil
}

// parseMoment reads a time: RFC 3339, or a part of it, which is UTC, or how long ago it
// was.
func parseMoment(flag, text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Truncate(time.Second), nil
		}
	}
	ago := text
	days := 0
	if before, rest, ok := strings.Cut(text, "d"); ok {
		if _, err := fmt.Sscanf(before, "%d", &days); err == nil && fmt.Sprint(days) == before {
			ago = rest
		}
	}
	if ago == "" {
		ago = "0s"
	}
	if d, err := time.ParseDuration(ago); err == nil && d >= 0 && days >= 0 && (days > 0 || text == ago) {
		return now.Add(-d).AddDate(0, 0, -days).UTC().Truncate(time.Second), nil
	}
	return time.Time{}, fmt.Errorf("%s %q: want a time as in 2026-11-01T06:00:00Z or 2026-11-01 (UTC), or how long ago, as in 48h or 7d", flag, text)
}

// confirm asks on the terminal. Where nobody can answer, it refuses, and says that --yes
// answers for a script.
func (s streams) confirm(question string) error {
	file, ok := s.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return errors.New("this needs an answer, and there is no terminal to ask on: add --yes")
	}
	fmt.Fprintf(s.stderr, "%s [y/N] ", question)
	answer, err := bufio.NewReader(file).ReadString('\n')
	if err != nil && answer == "" {
		return fmt.Errorf("read the answer: %w", err)
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return errors.New("not done")
	}
	return nil
}

// writeJSON prints a document for programs.
func writeJSON(w io.Writer, document any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false) // it is read on a terminal, too
	if err := out.Encode(document); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}

// writeLine prints one JSON object on a line, with its kind.
func writeLine(w io.Writer, kind string, document any) error {
	text, err := json.Marshal(map[string]any{kind: document})
	if err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}
