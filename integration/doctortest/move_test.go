package doctortest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/pkg/doctor"
)

// TestRegistryOfAnotherTokenServer: a registry that was set up for Keycloak or docker_auth has its host name and its bundle
// changed and nothing else, and a real client logs in, pushes, pulls and copies.
func TestRegistryOfAnotherTokenServer(t *testing.T) {
	t.Parallel()
	d, _ := shared(t)
	tests := []struct {
		name, realm, issuer, service string
	}{
		{"Keycloak", "https://keycloak.test/realms/corp/protocol/docker-v2/auth", "https://keycloak.test/realms/corp", "docker-registry"},
		{"Keycloak 16", "https://keycloak.test/auth/realms/Our%20Company/protocol/docker-v2/auth", "https://keycloak.test/auth/realms/Our%20Company", "docker-registry"},
		{"docker_auth", "https://docker-auth.test:5001/auth", "Acme auth server", "registry.acme.test"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := gate.Start(t, d, policy, func(s gate.Settings) {
				s["issuer"] = tt.issuer
				s["registries"] = []gate.Settings{{"service": tt.service}}
				s["former_paths"] = gate.Settings{"keycloak_realms": []string{"corp", "Our Company"}, "docker_auth": true}
			})
			realm, err := url.Parse(tt.realm)
			if err != nil {
				t.Fatal(err)
			}
			realm.Scheme, realm.Host = "http", strings.TrimPrefix(g.URL, "http://")
			moved := auth{"realm": realm.String(), "service": tt.service, "issuer": tt.issuer, "rootcertbundle": g.Auth(tt.service).BundleFile}
			for _, generation := range generations() {
				host, file := start(t, generation, moved)
				works(t, host, d.Password)
				s := look(t, g, d.Password, "--registry", host, "--registry-config", file)
				s.faultsAre(t)
				s.want(t, doctor.CheckPost, doctor.OK, "containerd's login by POST works")
			}
		})
	}
}

// works lets a real client do what alice may, and try what she may not.
func works(t *testing.T, host, password string) {
	t.Helper()
	c, image := client.Skopeo(t), client.Image(t, 1)
	if _, err := c.Login(t.Context(), host, "alice", password); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Push(t.Context(), image, host+"/users/alice/app:1"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Copy(t.Context(), host+"/users/alice/app:1", host+"/users/alice/copy:1"); err != nil {
		t.Error(err)
	}
	if _, err := c.Pull(t.Context(), host+"/users/alice/copy:1"); err != nil {
		t.Error(err)
	}
	if _, err := c.Push(t.Context(), image, host+"/users/bob/app:1"); err == nil {
		t.Error("alice pushes to bob's folder")
	}
}

// TestFormerPathsAreOffUnlessNamed.
func TestFormerPathsAreOffUnlessNamed(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	for _, path := range []string{"/auth", "/realms/corp/protocol/docker-v2/auth", "/auth/realms/corp/protocol/docker-v2/auth"} {
		answer, err := client.Asker{Realm: g.URL + path, Service: gate.Service}.Ask(t.Context(), "alice", d.Password)
		if err != nil || answer.Status != http.StatusNotFound {
			t.Errorf("%s answers %d, %v", path, answer.Status, err)
		}
	}
}
