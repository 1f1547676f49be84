package cli

import (
	"encoding/json"
	"fmt"
	"io"
)

// WriteJSON prints a document for programs.
func WriteJSON(w io.Writer, document any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false) // it is read on a terminal, too
	if err := out.Encode(document); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}

// WriteLine prints one JSON object on a line, with its kind.
func WriteLine(w io.Writer, kind string, document any) error {
	text, err := json.Marshal(map[string]any{kind: document})
	if err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}
