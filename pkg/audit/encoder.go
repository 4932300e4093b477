package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// maxKept is the largest buffer that is kept for the next batch.
const maxKept = 4 * batchSize

// encoder gathers records as lines of JSON. Its zero value is ready.
type encoder struct {
	buf   bytes.Buffer
	json  *json.Encoder
	count int
}

// add appends one record as a line.
func (e *encoder) add(r Record) error {
	if e.json == nil {
		e.json = json.NewEncoder(&e.buf)
		e.json.SetEscapeHTML(false)
	}
	if r.Scopes == nil {
		r.Scopes = []Scope{}
	}
	if err := e.json.Encode(r); err != nil {
		return fmt.Errorf("encode an audit record: %w", err)
	}
	e.count++
	return nil
}

// lines gives what was added since the last reset. It is valid until then.
func (e *encoder) lines() []byte { return e.buf.Bytes() }

// reset forgets everything that was added.
func (e *encoder) reset() {
	e.count = 0
	if e.buf.Cap() > maxKept {
		e.buf = bytes.Buffer{}
		return
	}
	e.buf.Reset()
}
