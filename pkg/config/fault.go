package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong with a configuration.
type Fault struct {
	// File is the file as it was named to Load; empty for a Config that was made in Go.
	File string `json:"file,omitempty"`
	// Line and Column say where, from 1; 0 where no place is known.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Path is the key, such as directories[0].bind.dn; empty if the file as a whole is meant.
	Path string `json:"path,omitempty"`
	// Message says what is wrong.
	Message string `json:"message"`
	// Remedy says what to do; it may be empty.
	Remedy string `json:"remedy,omitempty"`

	cause error
}

// Error gives the fault as one line: file:line:column: path: message; remedy.
func (f Fault) Error() string {
	var b strings.Builder
	switch {
	case f.File != "" && f.Line > 0:
		fmt.Fprintf(&b, "%s:%d:%d: ", f.File, f.Line, f.Column)
	case f.File != "":
		b.WriteString(f.File + ": ")
	}
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.Message)
	if f.Remedy != "" {
		b.WriteString("; " + f.Remedy)
	}
	return b.String()
}

// Unwrap returns what caused the fault, such as fs.ErrNotExist, or nil.
func (f Fault) Unwrap() error { return f.cause }

// Faults is every fault of a configuration, in the order of the file. As an error it is never empty.
type Faults []Fault

// Error gives one line a fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, x := range f {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the single faults.
func (f Faults) Unwrap() []error {
	errs := make([]error, len(f))
	for i, x := range f {
		errs[i] = x
	}
	return errs
}

// err sorts the faults and returns them as an error, or nil if there are none.
func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
	})
	return f
}

// position is a place in a file, from 1.
type position struct{ line, column int }

// source remembers where in which file each path was written.
type source struct {
	file string
	at   map[string]position
}

// fault makes a Fault at the place of the path, or of the nearest enclosing path that was written.
func (s source) fault(path, message, remedy string) Fault {
	f := Fault{File: s.file, Path: path, Message: message, Remedy: remedy}
	for p := path; p != ""; p = parent(p) {
		if at, ok := s.at[p]; ok {
			f.Line, f.Column = at.line, at.column
			break
		}
	}
	return f
}

// parent cuts the last part of a path: a.b[0] -> a.b -> a -> "".
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}
