package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Offline asks as docker login does: by GET, for a refresh token too.
func (a Asker) Offline(ctx context.Context, user, password string) (Answer, error) {
	query := url.Values{"service": {a.Service}, "account": {user}, "client_id": {"docker"}, "offline_token": {"true"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Realm+"?"+query.Encode(), nil)
	if err != nil {
		return Answer{}, err
	}
	request.SetBasicAuth(user, password)
	return a.do(request)
}

// Refresh asks by the form, with the grant type refresh_token.
func (a Asker) Refresh(ctx context.Context, token string, scopes ...string) (Answer, error) {
	form := url.Values{
		"grant_type": {"refresh_token"}, "service": {a.Service}, "client_id": {"docker"},
		"refresh_token": {token}, "scope": {strings.Join(scopes, " ")},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Realm, strings.NewReader(form.Encode()))
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return a.do(request)
}

// RefreshToken is the one in the answer; empty for none.
func (a *Answer) RefreshToken() string {
	var said struct {
		RefreshToken string `json:"refresh_token"`
	}
	if json.Unmarshal([]byte(a.Body), &said) != nil {
		return ""
	}
	return said.RefreshToken
}

// Stored gives what the program has stored for a host: user:password in base64, and an identity token. Both may be
// empty.
func (c *Client) Stored(t testing.TB, host string) (auth, identityToken string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.home, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var stored struct {
		Auths map[string]struct {
			Auth          string `json:"auth"`
			IdentityToken string `json:"identitytoken"`
		} `json:"auths"`
	}
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	return stored.Auths[host].Auth, stored.Auths[host].IdentityToken
}
