package preview

import (
	"context"
	"io"
	"strings"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjson"
)

// textSource is a file of the name that holds the text.
func textSource(name, text string) ndjson.Source {
	return ndjson.Source{Name: name, Object: name, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}}
}
