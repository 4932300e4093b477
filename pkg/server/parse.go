package server

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

const (
	// maxBody bounds the body of a POST.
	maxBody = 64 << 10
	// maxUserAgent and maxClientID bound what is kept of what a client says about itself.
	maxUserAgent = 256
	maxClientID  = 128
	// formType is the content type of a POST.
	formType = "application/x-www-form-urlencoded"
)

// parse reads the request into x.req. What it finds before a fault stays there, for the log.
func (s *Server) parse(x *exchange) error {
	x.req.ID, x.req.Client = x.id, x.client
	x.req.UserAgent = bounded(x.r.UserAgent(), maxUserAgent)
	if x.r.Method == http.MethodPost {
		x.req.Grant = authority.GrantPassword
		return s.parsePost(x)
	}
	return s.parseGet(x)
}

// parseGet reads the query and the Authorization header.
func (s *Server) parseGet(x *exchange) error {
	x.req.Grant = authority.GrantAnonymous
	if len(x.r.Header["Authorization"]) > 0 {
		x.req.Grant = authority.GrantBasic
	}
	var f form
	if err := f.read(x.r.URL.RawQuery); err != nil {
		return err
	}
	if err := s.parseCommon(x, &f); err != nil {
		return err
	}
	x.req.Offline, _ = strconv.ParseBool(f.offlineToken.text) // what is neither yes nor no asks for nothing
	user, password, ok, err := basicCredentials(x.r.Header)
	if err != nil {
		return err
	}
	if ok && user == "" && password != "" && slices.Contains(s.o.RefreshServices, x.req.Service) {
		return x.setRefreshToken(password)
	}
	if ok {
		x.accountDiffers = f.account.set && f.account.text != user
		return x.setCredentials(user, password)
	}
	x.req.Grant = authority.GrantAnonymous
	switch {
	case len(x.req.Scopes) > 0:
		return nil
	case s.services[x.req.Service] == "":
		return authority.ErrUnknownService
	default:
		return errNothingAsked
	}
}

// parsePost reads the body. Credentials count only there; the query and the Authorization header say nothing.
func (s *Server) parsePost(x *exchange) error {
	if !isForm(x.r.Header.Get("Content-Type")) {
		return errType
	}
	body, err := x.readBody(s.o.RequestTimeout)
	if err != nil {
		return err
	}
	var f form
	if err := f.read(body); err != nil {
		return err
	}
	switch {
	case f.grantType.text == "":
		return malformed(`missing parameter "grant_type"`)
	case f.grantType.text == "refresh_token":
		x.req.Grant = authority.GrantRefresh
	case f.grantType.text != "password":
		return &requestError{
			http.StatusBadRequest, "UNSUPPORTED", oauthUnsupportedGrant,
			"unsupported grant_type " + quoted(f.grantType.text) + `; use "password" or "refresh_token"`,
		}
	}
	if err := s.parseCommon(x, &f); err != nil {
		return err
	}
	x.req.Offline = f.accessType.text == "offline"
	if x.req.Grant == authority.GrantRefresh {
		if f.refreshToken.text == "" {
			return malformed(`missing parameter "refresh_token"`)
		}
		return x.setRefreshToken(f.refreshToken.text)
	}
	if !f.username.set || !f.password.set {
		return malformed(`missing parameter "username" or "password"`)
	}
	return x.setCredentials(f.username.text, f.password.text)
}

// parseCommon takes over what both forms share.
func (s *Server) parseCommon(x *exchange, f *form) error {
	x.req.ClientID = bounded(f.clientID.text, maxClientID)
	if f.service.text == "" {
		return malformed(`missing parameter "service"`)
	}
	x.req.Service = f.service.text
	var err error
	x.req.Scopes, x.dropped, err = registry.ParseScopes(f.scopes, s.o.Scopes)
	x.asked = len(x.req.Scopes) > 0 || len(x.dropped) > 0
	return err
}

// setCredentials checks a name and a password and puts them into the request.
func (x *exchange) setCredentials(user, password string) error {
	x.typed = user
	if err := checkCredentials(user, password); err != nil {
		return err
	}
	x.req.Credentials = &identity.Credentials{
		Username: user, Password: identity.NewSecret(password), Client: x.client, UserAgent: x.req.UserAgent,
	}
	return nil
}

// setRefreshToken puts a refresh token into the request. What it is worth, others find out.
func (x *exchange) setRefreshToken(token string) error {
	x.req.Grant = authority.GrantRefresh
	if len(token) > maxPassword {
		return refused("refresh token too long")
	}
	x.req.RefreshToken = identity.NewSecret(token)
	return nil
}

// isForm reports whether a content type is that of a form in UTF-8.
func isForm(contentType string) bool {
	if contentType == formType {
		return true
	}
	kind, params, err := mime.ParseMediaType(contentType)
	charset := params["charset"]
	return err == nil && kind == formType && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

// readBody reads a body of at most maxBody bytes that arrives in time.
func (x *exchange) readBody(timeout time.Duration) (string, error) {
	if x.r.ContentLength > maxBody {
		return "", errTooLarge
	}
	// A writer that knows no deadlines is no connection, so that nobody can be slow on it. After the body the
	// deadline is taken away again, as the server's watch for a hang-up reads from the same connection; after
	// a fault it stays, so that what is left of the body is not waited for.
	c := http.NewResponseController(x.w)
	_ = c.SetReadDeadline(time.Now().Add(timeout))
	body, err := readAll(x.r.Body, x.r.ContentLength)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "", errSlowBody
	case err != nil:
		return "", malformed("body could not be read")
	case len(body) > maxBody:
		return "", errTooLarge
	}
	_ = c.SetReadDeadline(time.Time{})
	return string(body), nil
}

// readAll reads a body of a length, or of an unknown one, which is less than zero: then a byte more than is allowed.
func readAll(body io.Reader, length int64) ([]byte, error) {
	if length < 0 {
		return io.ReadAll(io.LimitReader(body, maxBody+1))
	}
	b := make([]byte, length) // io.Copy would take 32 KiB for each
	_, err := io.ReadFull(body, b)
	return b, err
}

// form holds the parameters that are read; all others are ignored.
type form struct {
	service, account, clientID, grantType, username, password parameter
	refreshToken, offlineToken, accessType                    parameter
	scopes                                                    []string
}

// parameter is a parameter that has one value.
type parameter struct {
	text string
	set  bool
}

// field finds the place of a parameter; the words are those of the specification. What a client says about
// itself may be repeated: the last counts.
func (f *form) field(name string) (p *parameter, repeatable bool) {
	switch name {
	case "service":
		return &f.service, false
	case "grant_type":
		return &f.grantType, false
	case "username":
		return &f.username, false
	case "password":
		return &f.password, false
	case "refresh_token":
		return &f.refreshToken, false
	case "offline_token":
		return &f.offlineToken, true
	case "access_type":
		return &f.accessType, true
	case "account":
		return &f.account, true
	case "client_id":
		return &f.clientID, true
	default:
		return nil, true
	}
}

// read takes the parameters from a query or a body. A parameter that decides something may be repeated only
// with the same value.
func (f *form) read(encoded string) error {
	for encoded != "" {
		var pair string
		pair, encoded, _ = strings.Cut(encoded, "&")
		key, value, _ := strings.Cut(pair, "=")
		key, keyErr := url.QueryUnescape(key)
		value, valueErr := url.QueryUnescape(value)
		if keyErr != nil || valueErr != nil {
			return malformed("parameters: broken percent-encoding")
		}
		if key == "scope" {
			f.scopes = append(f.scopes, value)
			continue
		}
		p, repeatable := f.field(key)
		if p == nil {
			continue
		}
		if p.set && !repeatable && p.text != value {
			return malformed(`repeated parameter "` + key + `"`)
		}
		p.text, p.set = value, true
	}
	return nil
}
