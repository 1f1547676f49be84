// Package strictjson decodes JSON that may hold nothing unknown.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Decode takes one JSON value whose objects have known members only. An unknown member may
// be a later version's, with a meaning that this one would destroy.
func Decode(content []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the JSON value")
	}
	return nil
}
