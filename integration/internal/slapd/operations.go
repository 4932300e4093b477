package slapd

import (
	"bytes"
	"regexp"
	"testing"
)

// Operations are what reached the server in some time.
type Operations struct {
	// Connections were opened.
	Connections int
	// Binds were made as anybody but the service account, ServiceBinds as that.
	Binds, ServiceBinds int
	// Searches were made.
	Searches int
}

// Mark is a place in the server's log.
type Mark int

// Mark returns the place where the log ends now.
func (s *Server) Mark(t testing.TB) Mark { t.Helper(); return Mark(len(s.Log(t))) }

// Since counts the operations after a mark. An operation is logged before it is answered, so what a client
// has seen answered is counted.
func (s *Server) Since(t testing.TB, m Mark) Operations {
	t.Helper()
	var o Operations
	for line := range bytes.Lines(s.Log(t)[m:]) {
		switch {
		case bytes.Contains(line, []byte(" ACCEPT from IP=")):
			o.Connections++
		case bytes.Contains(line, []byte(" SRCH base=")):
			o.Searches++
		default:
			o.countBind(line, s.BindDN)
		}
	}
	return o
}

// bound finds the request line of a bind; the same words without a method are its outcome.
var bound = regexp.MustCompile(` BIND dn="(.*)" method=`) //nolint:gochecknoglobals // constant

func (o *Operations) countBind(line []byte, service string) {
	switch m := bound.FindSubmatch(line); {
	case m == nil:
	case string(m[1]) == service:
		o.ServiceBinds++
	default:
		o.Binds++
	}
}
