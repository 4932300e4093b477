package clients_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// ask is one token request as a client writes it.
type ask struct {
	// post sends the password in a form, as containerd does first; else it is in a header.
	post bool
	// query is what follows the realm of a GET, or the form of a POST, without the credentials. Each client has its own
	// ways of writing scopes, so they are not encoded here.
	query string
}

// grant is an answer to a token request.
type grant struct {
	status int
	header http.Header
	body   string
	token  string
	claims claims
}

// claims is what a token says.
type claims struct {
	Audience  any   `json:"aud"`
	Expires   int64 `json:"exp"`
	NotBefore int64 `json:"nbf"`
	IssuedAt  int64 `json:"iat"`
	Access    []struct {
		Type    string   `json:"type"`
		Name    string   `json:"name"`
		Actions []string `json:"actions"`
	} `json:"access"`
}

// access is what a token grants, as scopes.
func (g grant) access() []string {
	all := []string{}
	for _, a := range g.claims.Access {
		all = append(all, a.Type+":"+a.Name+":"+strings.Join(a.Actions, ","))
	}
	return all
}

// send asks for a token with a person's password.
func (a ask) send(t *testing.T, realm, user, password string) grant {
	t.Helper()
	method, place, body := http.MethodGet, realm+"?"+a.query, ""
	if a.post {
		secrets := url.Values{"username": {user}, "password": {password}}
		method, place, body = http.MethodPost, realm, a.query+"&"+secrets.Encode()
	}
	request, err := http.NewRequestWithContext(t.Context(), method, place, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return grant{}
	}
	if a.post {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	} else {
		request.SetBasicAuth(user, password)
	}
	answer, err := new(http.Client).Do(request)
	if err != nil {
		t.Error(err)
		return grant{}
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Error(err)
	}
	return read(t, grant{status: answer.StatusCode, header: answer.Header, body: string(text)}, a.post)
}

// read takes the token out of an answer: containerd and oras read access_token alone.
func read(t *testing.T, g grant, post bool) grant {
	t.Helper()
	if g.status != http.StatusOK {
		return g
	}
	var said map[string]any
	if err := json.Unmarshal([]byte(g.body), &said); err != nil {
		t.Errorf("answer %q: %v", g.body, err)
	}
	g.token, _ = said["token"].(string)
	if post {
		g.token, _ = said["access_token"].(string)
	}
	_, rest, _ := strings.Cut(g.token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err == nil {
		err = json.Unmarshal(text, &g.claims)
	}
	if err != nil {
		t.Errorf("token in %q: %v", g.body, err)
	}
	return g
}
