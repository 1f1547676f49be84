package main

import (
	"context"
	"io"
	"strings"
)

// textSource is a file of the name that holds the text.
func textSource(name, text string) source {
	return source{name: name, object: name, open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}}
}
