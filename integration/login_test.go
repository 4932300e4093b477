package integration_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
)

func TestP01_LoginWithRightWrongAndEmptyPassword(t *testing.T) {
	t.Parallel()
	s := sharedSite(t)
	password := s.directory.Password
	cases := map[string]struct {
		user, password string
		want           int
	}{
		"right":               {"alice", password, http.StatusOK},
		"other case":          {"ALICE", password, http.StatusOK},
		"name with space":     {"john smith", password, http.StatusOK},
		"name with quote":     {"o'brien", password, http.StatusOK},
		"name beyond ascii":   {"zoë", password, http.StatusOK},
		"filter characters":   {`#a+b=c;<d>"e"*f/g&h`, password, http.StatusOK},
		"backslash":           {`back\slash`, password, http.StatusOK},
		"wrong":               {"alice", "not " + password, http.StatusUnauthorized},
		"empty password":      {"alice", "", http.StatusUnauthorized},
		"empty name":          {"", password, http.StatusUnauthorized},
		"nobody":              {"nobody-of-that-name", password, http.StatusUnauthorized},
		"any name":            {"*", password, http.StatusUnauthorized},
		"locked account":      {"locked", password, http.StatusUnauthorized},
		"expired password":    {"expired", password, http.StatusUnauthorized},
		"must change":         {"mustchange", password, http.StatusUnauthorized},
		"password in 2 parts": {"alice", password + ":" + password, http.StatusUnauthorized},
	}
	for service, host := range s.hosts {
		for name, test := range cases {
			t.Run(service+" "+name, func(t *testing.T) {
				t.Parallel()
				answer, err := s.gate.Asker(service).Ask(t.Context(), test.user, test.password)
				if err != nil {
					t.Fatal(err)
				}
				if answer.Status != test.want {
					t.Fatalf("login = %d %s, want %d", answer.Status, answer.Body, test.want)
				}
				if answer.Status != http.StatusOK {
					if answer.Header.Get("WWW-Authenticate") == "" || answer.Token != "" {
						t.Errorf("refusal has header %v and token %q", answer.Header, answer.Token)
					}
					return
				}
				if !strings.Contains(claimsText(t, answer.Token), `"access":[]`) {
					t.Errorf("claims %s, want an access list that is empty and there", claimsText(t, answer.Token))
				}
				if status := api(t, host, answer.Token); status != http.StatusOK {
					t.Errorf("the registry answers %d to a token without access, want 200", status)
				}
			})
		}
	}
}

// claimsText is the second part of a token as it was written.
func claimsText(t *testing.T, token string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// api asks a registry's /v2/ with a token and returns the status.
func api(t *testing.T, host, token string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/v2/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := new(http.Client).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

func TestLoginWithRealClients(t *testing.T) {
	t.Parallel()
	s := sharedSite(t)
	// Crane logs in without asking anybody; its credentials are tried by the other tests.
	for name, install := range map[string]func(testing.TB) *client.Client{"skopeo": client.Skopeo, "docker": client.Docker} {
		for service, host := range s.hosts {
			t.Run(name+" on "+service, func(t *testing.T) {
				t.Parallel()
				c := install(t)
				if out, err := c.Login(t.Context(), host, "alice", s.directory.Password); err != nil {
					t.Errorf("log in = %v", err)
				} else if !strings.Contains(out, "Login Succeeded") {
					t.Errorf("log in says %q", out)
				}
				if out, err := install(t).Login(t.Context(), host, "alice", "not "+s.directory.Password); err == nil {
					t.Errorf("log in with a wrong password succeeded: %s", out)
				}
			})
		}
	}
}

// P32 is about containerd, which repeats a refused POST as a GET.
func TestP32_WrongPasswordByPostThenGetIsOneBind(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d)
	a := g.Asker(serviceV3)
	mustGrant(t, g, "alice", d.Password)
	mark := d.Mark(t)
	post, err := a.Post(t.Context(), "nora", "guess", "repository:payments/api:pull")
	if err != nil || post.Status != http.StatusUnauthorized {
		t.Fatalf("POST = %d %s, %v, want 401", post.Status, post.Body, err)
	}
	get, err := a.Ask(t.Context(), "nora", "guess", "repository:payments/api:pull")
	if err != nil || get.Status != http.StatusUnauthorized {
		t.Fatalf("GET = %d %s, %v, want 401", get.Status, get.Body, err)
	}
	if o := d.Since(t, mark); o.Binds != 1 {
		t.Errorf("operations = %+v, want 1 bind", o)
	}
}

// P08 is about containerd and buildkit, which go on with GET where POST is not there.
func TestP08_WithoutPostClientsUseGet(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	g := startGate(t, d, func(s gate.Settings) { s["limits"] = gate.Settings{"post": false} })
	post, err := g.Asker(serviceV3).Post(t.Context(), "alice", d.Password, aScope)
	if err != nil || post.Status != http.StatusNotFound || !strings.Contains(post.Body, `"errors":[{"code":"UNSUPPORTED"`) {
		t.Errorf("POST = %d %s, %v, want 404 in the form of every error", post.Status, post.Body, err)
	}
	mustGrant(t, g, "alice", d.Password, aScope)
}
