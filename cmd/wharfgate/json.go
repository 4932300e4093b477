package main

import (
	"encoding/json"
	"io"
)

// writeJSON writes an answer for programs, in one line. Signs such as < stay what they are: patterns have them.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// writeIndentedJSON writes an answer that people read, too.
func writeIndentedJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
