package integration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

func TestCopyMountsAcrossRepositories(t *testing.T) {
	t.Parallel()
	everyPair(t, func(t *testing.T, p pair) {
		from, to := repository(t, "payments"), repository(t, "users/alice")
		alice := p.login(t, "alice")
		if _, err := alice.Push(t.Context(), client.Image(t, 2), p.host+"/"+from+":1"); err != nil {
			t.Fatal(err)
		}
		if _, err := alice.Copy(t.Context(), p.host+"/"+from+":1", p.host+"/"+to+":1"); err != nil {
			t.Fatalf("copy: %v", err)
		}
		if _, err := alice.Pull(t.Context(), p.host+"/"+to+":1"); err != nil {
			t.Errorf("pull the copy: %v", err)
		}
		loopback.Eventually(t, soon, func() error { // one token for both repositories is what a mount asks for
			for _, r := range p.site.gate.Audit(t) {
				if len(r.Scopes) == 2 && r.Service == p.service && r.Scopes[0].Name+r.Scopes[1].Name == from+to {
					return nil
				}
			}
			return fmt.Errorf("no token was asked for %s and %s at once", from, to)
		})
	})
}

func TestP45_MountFromADeniedSourceStillPushes(t *testing.T) {
	t.Parallel()
	t.Run("skopeo", func(t *testing.T) {
		t.Parallel()
		s := sharedSite(t)
		for service, host := range s.hosts {
			p := pair{site: s, service: service, host: host, client: client.Skopeo}
			from, to := repository(t, "payments"), repository(t, "search")
			image := client.Image(t, 2) // skopeo remembers where its layers are, and tries to mount them from there
			if _, err := p.login(t, "alice").Push(t.Context(), image, host+"/"+from+":1"); err != nil {
				t.Fatal(err)
			}
			if _, err := p.login(t, "carol").Push(t.Context(), image, host+"/"+to+":1"); err != nil {
				t.Errorf("push to %s whose layers could be mounted from %s: %v", to, from, err)
			}
			p.wantPartial(t, from, to)
		}
	})
	t.Run("crane", func(t *testing.T) {
		t.Parallel()
		s := sharedSite(t)
		for service, host := range s.hosts {
			p := pair{site: s, service: service, host: host, client: client.Crane}
			from, to := host+"/"+repository(t, "payments"), host+"/"+repository(t, "search")
			if _, err := p.login(t, "alice").Push(t.Context(), client.Image(t, 2), from+":1"); err != nil {
				t.Fatal(err)
			}
			crane := p.client(t) // which reads as alice and writes, and tries to mount, as carol
			crane.Remember(t, map[string]string{from: "alice:" + s.directory.Password, to: "carol:" + s.directory.Password})
			if _, err := crane.Copy(t.Context(), from+":1", to+":1"); err != nil {
				t.Errorf("copy to %s whose layers could be mounted from %s: %v", to, from, err)
			}
			if _, err := p.login(t, "carol").Pull(t.Context(), to+":1"); err != nil {
				t.Errorf("pull the copy: %v", err)
			}
			p.wantPartial(t, strings.TrimPrefix(from, host+"/"), strings.TrimPrefix(to, host+"/"))
		}
	})
	t.Run("go-containerregistry", func(t *testing.T) {
		t.Parallel()
		s := sharedSite(t)
		for service, host := range s.hosts {
			p := pair{site: s, service: service, host: host, client: client.Crane}
			from, to := repository(t, "payments"), repository(t, "search")
			if _, err := p.login(t, "alice").Push(t.Context(), client.Image(t, 2), host+"/"+from+":1"); err != nil {
				t.Fatal(err)
			}
			image, err := remote.Image(reference(t, host+"/"+from+":1"), p.as("alice"), remote.WithContext(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			if err := remote.Write(reference(t, host+"/"+to+":1"), image, p.as("carol"), remote.WithContext(t.Context())); err != nil {
				t.Errorf("push to %s with layers of %s: %v", to, from, err)
			}
			p.wantPartial(t, from, to)
		}
	})
}

// wantPartial fails unless a token was granted for pushing to a repository and not for the source of a mount.
func (p pair) wantPartial(t *testing.T, from, to string) {
	t.Helper()
	loopback.Eventually(t, soon, func() error {
		for _, r := range p.site.gate.Audit(t) {
			var source, target bool
			for _, s := range r.Scopes {
				source = source || s.Name == from && len(s.Granted) == 0
				target = target || s.Name == to && slices.Contains(s.Granted, "push")
			}
			if r.Service == p.service && source && target {
				return nil
			}
		}
		return fmt.Errorf("no token was granted for %s and refused for %s at once", to, from)
	})
}
