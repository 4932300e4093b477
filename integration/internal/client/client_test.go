package client_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/client"
)

// endpoint is a token endpoint that grants what a test says to whoever knows the password.
func endpoint(t *testing.T, claims string) client.Asker {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		if r.Method == http.MethodPost && r.FormValue("grant_type") == "password" {
			password = r.FormValue("password")
		}
		if password != "right" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"token":"e30.%s.AA"}`, base64.RawURLEncoding.EncodeToString([]byte(claims)))
	}))
	t.Cleanup(s.Close)
	return client.Asker{Realm: s.URL + "/auth/token", Service: "registry.test"}
}

func TestAskReadsWhatATokenSays(t *testing.T) {
	t.Parallel()
	a := endpoint(t, `{"sub":"alice","jti":"1","access":[{"type":"repository","name":"a","actions":["pull"]}]}`)
	get, err := a.Ask(t.Context(), "alice", "right", "repository:a:pull")
	if err != nil {
		t.Fatal(err)
	}
	post, err := a.Post(t.Context(), "alice", "right", "repository:a:pull")
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []client.Answer{get, post} {
		if got.Status != http.StatusOK || got.Claims.Subject != "alice" || got.Claims.ID != "1" ||
			len(got.Claims.Access) != 1 || !slices.Equal(got.Claims.Access[0].Actions, []string{"pull"}) {
			t.Errorf("answer = %+v, want the claims of the token", got)
		}
	}
	if refused, err := a.Ask(t.Context(), "alice", "wrong"); err != nil || refused.Status != http.StatusUnauthorized || refused.Token != "" {
		t.Errorf("answer to a wrong password = %+v, %v, want 401 and no token", refused, err)
	}
}

func TestAskFindsAMalformedToken(t *testing.T) {
	t.Parallel()
	if answer, err := endpoint(t, "no claims").Ask(t.Context(), "alice", "right"); err == nil {
		t.Errorf("answer = %+v, want an error", answer)
	}
}

func TestProgramsSayWhatFailed(t *testing.T) {
	t.Parallel()
	if out, err := client.Crane(t).Pull(t.Context(), "localhost:1/nobody/listens:1"); err == nil {
		t.Errorf("a pull from nowhere succeeded: %s", out)
	}
}
