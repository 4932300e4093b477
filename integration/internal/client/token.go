package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Asker asks a token endpoint by GET, as most clients do. It is safe for concurrent use.
type Asker struct {
	// Realm is the endpoint's URL, Service the registry's name there.
	Realm, Service string
	// HTTP is used where it is set.
	HTTP *http.Client
}

// Answer is what a token endpoint answered.
type Answer struct {
	// Status is the HTTP status, Header its header, Body its body.
	Status int
	Header http.Header
	Body   string
	// Token is the token, empty if none was granted; Claims is what it says.
	Token  string
	Claims Claims
	// Took is how long the answer took.
	Took time.Duration
}

// Claims is what a token says.
type Claims struct {
	Subject string   `json:"sub"`
	Issuer  string   `json:"iss"`
	ID      string   `json:"jti"`
	Access  []Access `json:"access"`
}

// Access is what a token grants on one resource.
type Access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// Ask asks for a token. An empty user and password ask without credentials.
func (a Asker) Ask(ctx context.Context, user, password string, scopes ...string) (Answer, error) {
	query := url.Values{"service": {a.Service}, "scope": scopes}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Realm+"?"+query.Encode(), nil)
	if err != nil {
		return Answer{}, err
	}
	if user != "" || password != "" {
		request.SetBasicAuth(user, password)
	}
	return a.do(request)
}

// Post asks as containerd does: by the form, with the grant type password.
func (a Asker) Post(ctx context.Context, user, password string, scopes ...string) (Answer, error) {
	form := url.Values{
		"grant_type": {"password"}, "service": {a.Service}, "client_id": {"containerd-client"},
		"username": {user}, "password": {password}, "scope": {strings.Join(scopes, " ")},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Realm, strings.NewReader(form.Encode()))
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return a.do(request)
}

func (a Asker) do(request *http.Request) (Answer, error) {
	client := a.HTTP
	if client == nil {
		client = new(http.Client)
	}
	start := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	const most = 1 << 20
	body, err := io.ReadAll(io.LimitReader(response.Body, most))
	answer := Answer{
		Status: response.StatusCode, Header: response.Header, Body: string(body), Took: time.Since(start),
	}
	if err != nil || answer.Status != http.StatusOK {
		return answer, err
	}
	return answer, answer.read(body)
}

// read takes the token out of a body.
func (a *Answer) read(body []byte) error {
	var said struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	a.Token = said.Token
	parts := strings.Split(a.Token, ".")
	const sections = 3
	if len(parts) != sections {
		return fmt.Errorf("the answer's token has %d sections", len(parts))
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return fmt.Errorf("read claims: %w", err)
	}
	if err := json.Unmarshal(claims, &a.Claims); err != nil {
		return fmt.Errorf("read claims: %w", err)
	}
	return nil
}
