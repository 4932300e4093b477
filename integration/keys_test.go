package integration_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/distribution"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
)

func TestP62_AlgorithmsVerifiedByBothGenerations(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	g := gate.Start(t, d, sitePolicy, func(s gate.Settings) {
		s["registries"] = []gate.Settings{
			{"service": "es.test", "algorithm": "ES256"}, {"service": "rs.test", "algorithm": "RS256"},
		}
	})
	for service, algorithm := range map[string]string{"es.test": "ES256", "rs.test": "RS256"} {
		hosts := map[string]string{
			"2.8": distribution.StartV2(t, g.Auth(service)).Host, "3.1": distribution.StartV3(t, g.Auth(service)),
		}
		for generation, host := range hosts {
			t.Run(algorithm+" by "+generation, func(t *testing.T) {
				t.Parallel()
				answer, err := g.Asker(service).Ask(t.Context(), "alice", d.Password, "repository:payments/api:pull,push")
				if err != nil || answer.Status != http.StatusOK {
					t.Fatalf("token = %d, %v", answer.Status, err)
				}
				if h := header(t, answer.Token); h.Algorithm != algorithm {
					t.Errorf("token is signed by %s, want %s", h.Algorithm, algorithm)
				}
				p256Signature(t, algorithm, answer.Token)
				if status := api(t, host, answer.Token); status != http.StatusOK {
					t.Errorf("the registry answers %d to the token, want 200", status)
				}
				p := pair{site: &site{directory: d, gate: g}, service: service, host: host, client: client.Crane}
				if _, err := p.login(t, "alice").Push(t.Context(), client.Image(t, 1), host+"/payments/api:1"); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// p256Signature fails for an ES256 signature that is not 64 bytes, the raw form of RFC 7518 section 3.4.
func p256Signature(t *testing.T, algorithm, token string) {
	t.Helper()
	signature, err := base64.RawURLEncoding.DecodeString(token[strings.LastIndexByte(token, '.')+1:])
	if err != nil || algorithm == "ES256" && len(signature) != 64 {
		t.Errorf("signature of %d bytes, %v", len(signature), err)
	}
}

// jose is the part of a token's header that tests look at.
type jose struct {
	Algorithm    string   `json:"alg"`
	KeyID        string   `json:"kid"`
	Certificates [][]byte `json:"x5c"`
}

func header(t *testing.T, token string) jose {
	t.Helper()
	first, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	var h jose
	if err := json.Unmarshal(text, &h); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestTokenForOneRegistryIsRefusedByAnother(t *testing.T) {
	t.Parallel()
	s := sharedSite(t)
	for service, host := range s.hosts {
		answer, err := s.gate.Asker(service).Ask(t.Context(), "alice", s.directory.Password)
		if err != nil || answer.Status != http.StatusOK {
			t.Fatalf("token = %d, %v", answer.Status, err)
		}
		for other, otherHost := range s.hosts {
			want := http.StatusOK
			if other != service {
				want = http.StatusUnauthorized
			}
			if status := api(t, otherHost, answer.Token); status != want {
				t.Errorf("%s answers %d to a token for %s at %s, want %d", other, status, service, host, want)
			}
		}
	}
}

// TestP67_LeafRotationWhilePullsRun: a thousand pulls, in which the certificate changes four times, and no registry is started again.
func TestP67_LeafRotationWhilePullsRun(t *testing.T) {
	t.Parallel()
	s := startSite(t)
	password := s.directory.Password
	for service, host := range s.hosts {
		p := pair{site: s, service: service, host: host, client: client.Crane}
		if _, err := p.login(t, "alice").Push(t.Context(), client.Image(t, 2), host+"/payments/api:1"); err != nil {
			t.Fatal(err)
		}
	}
	old := mustGrant(t, s.gate, "alice", password)
	const pulls, each, reloads = 1000, 4, 4
	var done atomic.Int64
	step := make(chan struct{}, pulls)
	var clients sync.WaitGroup
	for service, host := range s.hosts {
		p := pair{site: s, service: service, host: host}
		for range each {
			clients.Go(func() {
				for done.Add(1) <= pulls {
					if err := p.pull(t, host+"/payments/api:1"); err != nil {
						t.Errorf("pull from %s: %v", service, err)
					}
					step <- struct{}{}
				}
			})
		}
	}
	leaves := map[string]bool{string(header(t, old.Token).Certificates[0]): true}
	for i := range reloads { // a configuration that changes is built anew, with new keys
		for range pulls / (reloads + 1) {
			<-step
		}
		s.gate.Configure(t, func(c gate.Settings) { c["issued_at"] = i%2 == 0 })
		if said := s.gate.Reload(t); !strings.Contains(said, `"msg":"reloaded"`) {
			t.Errorf("reload: %s", said)
		}
		leaves[string(header(t, mustGrant(t, s.gate, "alice", password).Token).Certificates[0])] = true
	}
	clients.Wait()
	if len(leaves) != reloads+1 {
		t.Errorf("tokens were signed under %d certificates, want %d", len(leaves), reloads+1)
	}
	if status := api(t, s.hosts[serviceV3], old.Token); status != http.StatusOK {
		t.Errorf("a token from before the rotation = %d, want 200", status)
	}
}

// pull fetches an image with all its layers and a token of its own.
func (p pair) pull(t *testing.T, ref string) error {
	image, err := remote.Image(reference(t, ref), p.as("alice"), remote.WithContext(t.Context()))
	if err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		content, err := layer.Compressed()
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if _, err := io.Copy(&b, content); err != nil {
			return fmt.Errorf("read layer: %w", err)
		}
		if err := content.Close(); err != nil {
			return err
		}
	}
	return nil
}
