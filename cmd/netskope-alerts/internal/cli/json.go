package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

// WriteJSON prints a document for programs. It is read on a terminal, too, which must not act
// upon what came over the network.
func WriteJSON(w io.Writer, document any) error {
	var whole bytes.Buffer
	out := json.NewEncoder(&whole)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	if err := out.Encode(document); err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	if _, err := w.Write(text.Visible(whole.Bytes())); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}

// WriteLine prints one JSON object on a line, with its kind.
func WriteLine(w io.Writer, kind string, document any) error {
	line, err := json.Marshal(map[string]any{kind: document})
	if err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	_, err = w.Write(append(text.Visible(line), '\n'))
	return err
}
