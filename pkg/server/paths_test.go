package server_test

import (
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/server"
)

// keycloak is the path of a realm of Keycloak, and dockerAuth that of docker_auth.
const (
	keycloak   = "/realms/Our Company/protocol/docker-v2/auth"
	dockerAuth = "/auth"
)

func TestP11_MorePathsAnswerAlike(t *testing.T) {
	t.Parallel()
	for _, p := range []string{keycloak, keycloak + "/", dockerAuth, dockerAuth + "/", "/token", "/auth/token/"} {
		r := newRig(t, func(o *server.Options, _ *granter) { o.Paths = []string{keycloak, dockerAuth + "/"} })
		wantReply(t, r.do(get(t, path(p))))
		wantReply(t, r.do(post(t, path(p))))
	}
}

func TestP10_PathsThatAreNotSwitchedOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *server.Options, _ *granter) { o.Paths = []string{keycloak} })
	for _, p := range []string{dockerAuth, "/realms/other/protocol/docker-v2/auth", "/realms/Our Company/protocol/docker-v2/certs", "/auth" + keycloak, "/realms"} {
		wantFault(t, r.do(get(t, path(p))), http.StatusNotFound, "UNSUPPORTED", "")
	}
}

func TestPathsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"", "/", "auth", "https://registry.example/auth"} {
		o := server.Options{Granter: &granter{grant: grantAll}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Paths: []string{p}}
		if _, err := server.New(o); err == nil {
			t.Errorf("New with the path %q succeeds", p)
		}
	}
}
