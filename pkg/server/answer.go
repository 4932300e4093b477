package server

import (
	"bytes"
	"net/http"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

// headers are the values of headers that never change, shared by all answers: nobody writes to them.
type headers struct{ json, noStore, noCache, noSniff, challenge, allow []string }

// newHeaders makes them.
func newHeaders(o Options) headers {
	allow := "GET, POST"
	if o.DisablePost {
		allow = "GET"
	}
	return headers{
		json: []string{"application/json"}, noStore: []string{"no-store"}, noCache: []string{"no-cache"},
		noSniff:   []string{"nosniff"},
		challenge: []string{`Basic realm="` + o.Realm + `", charset="UTF-8"`}, allow: []string{allow},
	}
}

// setHeaders sets what every answer has.
func (s *Server) setHeaders(x *exchange, length int) {
	h := x.w.Header()
	h["Content-Type"], h["Cache-Control"], h["Pragma"] = s.constant.json, s.constant.noStore, s.constant.noCache
	h["X-Content-Type-Options"] = s.constant.noSniff
	x.values = [...]string{x.id, strconv.Itoa(length)}
	h["X-Request-Id"], h["Content-Length"] = x.values[:1:1], x.values[1:]
}

// write sends a status and a body, once.
func (s *Server) write(x *exchange, status int, body []byte) {
	s.setHeaders(x, len(body))
	x.status = status
	x.w.WriteHeader(status)
	_, _ = bytes.NewReader(body).WriteTo(x.w) // a client that has gone away misses its answer
}

// writeGrant answers with a token. Both names of the token are filled in: old clients know one, new ones the
// other (https://distribution.github.io/distribution/spec/auth/token/, and oauth/ for POST).
func (s *Server) writeGrant(x *exchange) {
	buffer := s.buffers.get()
	b := append((*buffer)[:0], `{"token":`...)
	b = appendString(b, x.grant.Token.Reveal())
	b = append(b, `,"access_token":`...)
	b = appendString(b, x.grant.Token.Reveal())
	b = append(b, `,"expires_in":`...)
	b = strconv.AppendInt(b, int64(x.grant.ExpiresIn/time.Second), 10)
	if s.o.IssuedAt == SendIssuedAt {
		b = append(b, `,"issued_at":"`...)
		b = x.grant.IssuedAt.UTC().AppendFormat(b, time.RFC3339)
		b = append(b, '"')
	}
	if token := x.grant.RefreshToken; !token.IsEmpty() && (x.req.Offline || x.r.Method == http.MethodPost) {
		b = append(b, `,"refresh_token":`...)
		b = appendString(b, token.Reveal())
	}
	if x.r.Method == http.MethodPost {
		b = append(b, `,"scope":`...)
		b = appendString(b, scopeText(x.grant.Granted))
	}
	b = append(b, '}', '\n')
	s.write(x, http.StatusOK, b)
	*buffer = b
	s.buffers.put(buffer)
}

// fail answers with what the table of errors says. After an answer was written it only takes note.
func (s *Server) fail(x *exchange, err error) {
	x.err, x.problem = err, problemOf(err, x)
	if x.status != 0 {
		return
	}
	h, p := x.w.Header(), x.problem
	if p.retry > 0 {
		seconds := (p.retry + time.Second - 1) / time.Second
		h["Retry-After"] = []string{strconv.FormatInt(int64(seconds), 10)}
	}
	switch p.status {
	case http.StatusUnauthorized:
		h["Www-Authenticate"] = s.constant.challenge
	case http.StatusMethodNotAllowed:
		h["Allow"] = s.constant.allow
	}
	b := append([]byte(nil), `{"errors":[{"code":`...)
	b = appendString(b, p.code)
	b = append(b, `,"message":`...)
	b = appendString(b, p.message)
	b = append(b, `}],"details":`...)
	b = appendString(b, p.message)
	if x.r.Method == http.MethodPost {
		b = append(b, `,"error":`...)
		b = appendString(b, p.oauth)
		b = append(b, `,"error_description":`...)
		b = appendString(b, p.message)
	}
	s.write(x, p.status, append(b, '}', '\n'))
}

// scopeText joins scopes with spaces.
func scopeText(scopes []registry.Scope) string {
	if len(scopes) == 0 {
		return ""
	}
	if len(scopes) == 1 {
		return scopes[0].String()
	}
	b := make([]byte, 0, 64*len(scopes))
	for i, s := range scopes {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, s.String()...)
	}
	return string(b)
}

// appendString appends a text as a JSON string (RFC 8259 section 7).
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		if n := plainPrefix(s[i:]); n > 0 {
			b = append(b, s[i:i+n]...)
			i += n
			continue
		}
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c == 0x7f || c == '<' || c == '>' || c == '&':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r) // an invalid byte becomes the replacement character
			i += size
			continue
		}
		i++
	}
	return append(b, '"')
}

// plainPrefix counts the bytes that a JSON string takes over as they are: a token has no others.
func plainPrefix(s string) int {
	for i := range len(s) {
		c := s[i]
		if c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return i
		}
	}
	return len(s)
}

// buffers is a pool of memory for answers.
type buffers struct{ pool sync.Pool }

// get gives a buffer, with room for a usual answer.
func (p *buffers) get() *[]byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, 4<<10)
	return &b
}

// put takes a buffer back and wipes it, as it held a token.
func (p *buffers) put(b *[]byte) {
	clear(*b)
	p.pool.Put(b)
}
