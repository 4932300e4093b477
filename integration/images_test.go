package integration_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/wharfgate/wharfgate/integration/internal/client"
)

func TestPushAndPullByGroup(t *testing.T) {
	t.Parallel()
	everyPair(t, func(t *testing.T, p pair) {
		ref, image := p.host+"/"+repository(t, "payments")+":1", client.Image(t, 3)
		alice := p.login(t, "alice")
		if _, err := alice.Push(t.Context(), image, ref); err != nil {
			t.Fatalf("alice of payments pushes: %v", err)
		}
		if _, err := alice.Pull(t.Context(), ref); err != nil {
			t.Errorf("alice of payments pulls: %v", err)
		}
		if _, err := p.login(t, "nora").Pull(t.Context(), ref); err != nil {
			t.Errorf("nora of readers, a group of unique names, pulls: %v", err)
		}
		search := p.host + "/" + repository(t, "search") + ":1"
		if _, err := p.login(t, "carol").Push(t.Context(), image, search); err != nil {
			t.Errorf("carol of team-search, a posix group, pushes by a template: %v", err)
		}
		own := p.host + "/" + repository(t, "users/alice") + ":1"
		if _, err := alice.Push(t.Context(), image, own); err != nil {
			t.Errorf("alice pushes to her own folder: %v", err)
		}
		other := p.host + "/" + repository(t, "users/nora") + ":1"
		if _, err := alice.Push(t.Context(), image, other); err == nil {
			t.Error("alice pushed to nora's folder")
		}
	})
}

func TestNestedGroupCounts(t *testing.T) {
	t.Parallel()
	s := sharedSite(t)
	const repo = "eng/tool"
	answer := mustGrant(t, s.gate, "alice", s.directory.Password, "repository:"+repo+":pull,push")
	if got := granted(answer, repo); !slices.Equal(got, []string{"pull"}) {
		t.Errorf("alice, in engineering through payments, gets %q, want pull", got)
	}
	answer = mustGrant(t, s.gate, "nora", s.directory.Password, "repository:"+repo+":pull,push")
	if got := granted(answer, repo); got != nil {
		t.Errorf("nora, not in engineering, gets %q, want nothing", got)
	}
}

func TestP43_PushIsRefusedToAReaderAtTheRegistry(t *testing.T) {
	t.Parallel()
	everyPair(t, func(t *testing.T, p pair) {
		repo := repository(t, "payments")
		if out, err := p.login(t, "nora").Push(t.Context(), client.Image(t, 1), p.host+"/"+repo+":1"); err == nil {
			t.Errorf("nora of readers pushed: %s", out)
		}
		answer, err := p.site.gate.Asker(p.service).Ask(t.Context(), "nora", p.site.directory.Password, "repository:"+repo+":push,pull")
		if err != nil || answer.Status != 200 || !slices.Equal(granted(answer, repo), []string{"pull"}) {
			t.Errorf("token of a reader who asks for push = %d %+v, %v, want 200 with pull", answer.Status, answer.Claims, err)
		}
		p.wantNoRefusal(t, repo)
	})
}

func TestP44_StrangersAreRefusedAtTheRegistry(t *testing.T) {
	t.Parallel()
	everyPair(t, func(t *testing.T, p pair) {
		repo := repository(t, "payments")
		ref, image := p.host+"/"+repo+":1", client.Image(t, 1)
		if _, err := p.login(t, "alice").Push(t.Context(), image, ref); err != nil {
			t.Fatal(err)
		}
		carol := p.login(t, "carol")
		if out, err := carol.Pull(t.Context(), ref); err == nil {
			t.Errorf("carol pulled what she may not: %s", out)
		}
		if out, err := carol.Push(t.Context(), image, ref); err == nil {
			t.Errorf("carol pushed what she may not: %s", out)
		}
		answer, err := p.site.gate.Asker(p.service).Ask(t.Context(), "carol", p.site.directory.Password, "repository:"+repo+":pull,push")
		if err != nil || answer.Status != 200 || len(answer.Claims.Access) != 0 {
			t.Errorf("token of a stranger = %d %+v, %v, want 200 with nothing", answer.Status, answer.Claims, err)
		}
		p.wantNoRefusal(t, repo)
	})
}

// wantNoRefusal fails if the gate answered a request about a repository with anything but a token: the refusal is
// the registry's.
func (p pair) wantNoRefusal(t *testing.T, repo string) {
	t.Helper()
	asked := 0
	for line := range strings.Lines(p.site.gate.Process.Err.String()) {
		if !strings.Contains(line, "repository:"+repo+":") {
			continue
		}
		asked++
		canceled := strings.Contains(line, "client_gone") // crane gives the rest up at the first refusal
		if !strings.Contains(line, `"status":200`) && !canceled {
			t.Errorf("the token server refused by itself: %s", line)
		}
	}
	if asked == 0 {
		t.Errorf("nobody asked the gate about %s", repo)
	}
}

// as gives go-containerregistry the credentials of an account.
func (p pair) as(user string) remote.Option {
	return remote.WithAuth(&authn.Basic{Username: user, Password: p.site.directory.Password})
}

func reference(t *testing.T, text string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(text, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestP47_Catalog(t *testing.T) {
	t.Parallel()
	s := sharedSite(t)
	for service, host := range s.hosts {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			p := pair{site: s, service: service, host: host, client: client.Crane}
			repo := repository(t, "public")
			dana := p.login(t, "dana")
			if _, err := dana.Push(t.Context(), client.Image(t, 1), host+"/"+repo+":1"); err != nil {
				t.Fatal(err)
			}
			out, err := dana.Run(t.Context(), "catalog", "--insecure", host)
			if err != nil || !strings.Contains(out, repo) {
				t.Errorf("catalog of platform = %q, %v, want %s in it", out, err, repo)
			}
			if out, err := p.login(t, "alice").Run(t.Context(), "catalog", "--insecure", host); err == nil {
				t.Errorf("alice, who may not, saw the catalog: %s", out)
			}
			answer, err := s.gate.Asker(service).Ask(t.Context(), "dana", s.directory.Password, "registry:catalog:*")
			if err != nil || !slices.Equal(granted(answer, "catalog"), []string{"*"}) {
				t.Errorf("catalog token = %+v, %v, want the literal *", answer.Claims, err)
			}
			answer, err = s.gate.Asker(service).Ask(t.Context(), "alice", s.directory.Password, "registry:catalog:*")
			if err != nil || len(answer.Claims.Access) != 0 {
				t.Errorf("catalog token of alice = %+v, %v, want nothing", answer.Claims, err)
			}
		})
	}
}

func TestP46_Delete(t *testing.T) {
	t.Parallel()
	everyPair(t, func(t *testing.T, p pair) {
		search, payments := p.host+"/"+repository(t, "search"), p.host+"/"+repository(t, "payments")
		carol, alice := p.login(t, "carol"), p.login(t, "alice")
		for ref, c := range map[string]*client.Client{search: carol, payments: alice} {
			if _, err := c.Push(t.Context(), client.Image(t, 1), ref+":1"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := carol.Delete(t.Context(), p.byDigest(t, "carol", search)); err != nil {
			t.Errorf("carol, who may, deletes: %v", err)
		}
		if _, err := carol.Pull(t.Context(), search+":1"); err == nil {
			t.Error("what was deleted can be pulled")
		}
		if _, err := alice.Delete(t.Context(), p.byDigest(t, "alice", payments)); err == nil {
			t.Error("alice, who may push but not delete, deleted")
		}
		if _, err := alice.Pull(t.Context(), payments+":1"); err != nil {
			t.Errorf("what was not deleted: %v", err)
		}
	})
}

// byDigest names the image with the tag 1 by its digest: distribution 2 deletes nothing by a tag.
func (p pair) byDigest(t *testing.T, user, repo string) string {
	t.Helper()
	image, err := remote.Head(reference(t, repo+":1"), p.as(user), remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return repo + "@" + image.Digest.String()
}

func TestAnonymousPullOfAPublicPath(t *testing.T) {
	t.Parallel()
	everyPair(t, func(t *testing.T, p pair) {
		public, private := p.host+"/"+repository(t, "public")+":1", p.host+"/"+repository(t, "payments")+":1"
		dana := p.login(t, "dana")
		for _, ref := range []string{public, private} {
			if _, err := dana.Push(t.Context(), client.Image(t, 1), ref); err != nil {
				t.Fatal(err)
			}
		}
		nobody := p.client(t)
		if _, err := nobody.Pull(t.Context(), public); err != nil {
			t.Errorf("nobody pulls a public image: %v", err)
		}
		if _, err := nobody.Pull(t.Context(), private); err == nil {
			t.Error("nobody pulled a private image")
		}
		if _, err := nobody.Push(t.Context(), client.Image(t, 1), public); err == nil {
			t.Error("nobody pushed a public image")
		}
		_, scope, _ := strings.Cut(strings.TrimSuffix(public, ":1"), "/")
		answer, err := p.site.gate.Asker(p.service).Ask(t.Context(), "alice", "a wrong password", "repository:"+scope+":pull")
		if err != nil || answer.Status != 401 {
			t.Errorf("P40: a wrong password on a public image = %d, %v, want 401", answer.Status, err)
		}
	})
}
