package clients_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// imitations are the requests of clients that are not run, in their order: what each sends first, and again when it is
// refused.
func imitations() map[string][]ask {
	const form = "grant_type=password&service=" + service3
	const push = "repository%3Asearch%2Fapp%3Apull+repository%3Asearch%2Fapp%3Apull%2Cpush"
	return map[string][]ask{
		"helm registry login": {
			{post: true, query: form + "&client_id=oras-go"}, {query: "service=" + service3},
		},
		"containerd 2": {
			{post: true, query: form + "&client_id=containerd-client&scope=" + push},
			{query: "service=" + service3 + "&scope=repository%3Asearch%2Fapp%3Apull&scope=repository%3Asearch%2Fapp%3Apull%2Cpush"},
		},
		"buildkit, by its client": {
			{post: true, query: form + "&client_id=buildkit-client&scope=repository%3Asearch%2Fapp%3Apull%2Cpush"},
			{query: "service=" + service3 + "&client_id=buildkit-client&scope=repository%3Asearch%2Fapp%3Apull%2Cpush"},
		},
		"buildkit, by its daemon": {
			{query: "service=" + service3 + "&client_id=buildkit-client&scope=repository%3Asearch%2Fapp%3Apull%2Cpush"},
			{post: true, query: form + "&client_id=buildkit-client&scope=repository%3Asearch%2Fapp%3Apull%2Cpush"},
		},
	}
}

// TestP32_WrongPasswordOfClientsThatAskTwice: they send a refused password again the other way, which costs no second bind; a
// right one is granted both ways, and the empty scope of a login is a token without access.
func TestP32_WrongPasswordOfClientsThatAskTwice(t *testing.T) {
	t.Parallel()
	c := shared(t)
	for name, asks := range imitations() {
		user := c.somebody(t)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, a := range asks {
				if g := a.send(t, c.up.gate.Realm(), user, "a wrong password"); g.status != http.StatusUnauthorized || !strings.Contains(g.body, wrongText) {
					t.Errorf("a wrong password = %d %s, want 401", g.status, g.body)
				}
			}
			if n := c.binds(t, user); n != 1 {
				t.Errorf("%d binds, want 1", n)
			}
			want := []string{"repository:search/app:pull,push"}
			if !strings.Contains(asks[0].query, "scope=") {
				want = []string{}
			}
			for _, a := range asks {
				g := a.send(t, c.up.gate.Realm(), "carol", c.directory.Password)
				if g.status != http.StatusOK || !slices.Equal(sorted(g.access()), want) {
					t.Errorf("a right password = %d %q, want 200 %q", g.status, g.access(), want)
				}
			}
		})
	}
}

// sorted writes the actions of scopes in alphabetical order.
func sorted(scopes []string) []string {
	for i, scope := range scopes {
		cut := strings.LastIndexByte(scope, ':') + 1
		actions := strings.Split(scope[cut:], ",")
		slices.Sort(actions)
		scopes[i] = scope[:cut] + strings.Join(actions, ",")
	}
	return scopes
}

// TestP34_HelmGoesOnAskingWhileThrottled: helm asks 12 times for one login under 429. None of them binds.
func TestP34_HelmGoesOnAskingWhileThrottled(t *testing.T) {
	t.Parallel()
	c := shared(t)
	user := c.somebody(t)
	get := ask{query: "service=" + service3}
	for i := range maxFailures {
		get.send(t, c.up.gate.Realm(), user, "guess "+strconv.Itoa(i))
	}
	before := c.binds(t, user)
	for i := range 12 {
		a := ask{post: i < 6, query: get.query}
		if a.post {
			a.query += "&grant_type=password&client_id=oras-go"
		}
		g := a.send(t, c.up.gate.Realm(), user, c.directory.Password)
		if seconds, err := strconv.Atoi(g.header.Get("Retry-After")); g.status != http.StatusTooManyRequests || err != nil || seconds < 1 {
			t.Errorf("request %d = %d, Retry-After %q, want 429 and seconds", i, g.status, g.header.Get("Retry-After"))
		}
	}
	if n := c.binds(t, user) - before; n != 0 {
		t.Errorf("%d binds, want 0", n)
	}
}

// TestP35_BurstOfIdenticalRequestsIsOneBind: buildah and podman send the same request six times at once. The directory
// holds its breath until all of them are there.
func TestP35_BurstOfIdenticalRequestsIsOneBind(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d, gate.Patient) // it is to wait until the whole burst is there
	a := ask{query: "account=alice&scope=repository%3Apayments%2Fapi%3Apull%2Cpush&service=" + service3}
	if answer := a.send(t, g.Realm(), "alice", d.Password); answer.status != http.StatusOK {
		t.Fatalf("login = %d %s", answer.status, answer.body)
	}
	for _, size := range []int{6, 100} {
		mark := d.Mark(t)
		d.Pause(t)
		var all sync.WaitGroup
		all.Go(func() {
			burst(size, func(int) {
				answer := a.send(t, g.Realm(), "alice", d.Password)
				if want := []string{"repository:payments/api:pull,push"}; answer.status != http.StatusOK || !slices.Equal(sorted(answer.access()), want) {
					t.Errorf("one of %d at once = %d %q, want 200 %q", size, answer.status, answer.access(), want)
				}
			})
		})
		err := loopback.Poll(t.Context(), soon, func() error {
			if n := g.Metric(t, "wharfgate_http_requests_in_flight"); int(n) < size {
				return fmt.Errorf("%v of %d requests are there", n, size)
			}
			return nil
		})
		d.Resume(t)
		all.Wait()
		if err != nil {
			t.Error(err)
		}
		if o := d.Since(t, mark); o.Binds != 1 {
			t.Errorf("%d at once: %d binds, want 1", size, o.Binds)
		}
	}
}

// TestP33_BurstOfWrongPasswords: a hundred wrong requests at once, of two passwords, are at most two binds.
func TestP33_BurstOfWrongPasswords(t *testing.T) {
	t.Parallel()
	c := shared(t)
	const size, passwords = 100, 2
	user := c.somebody(t)
	a := ask{query: "account=" + user + "&service=" + service3}
	burst(size, func(i int) {
		g := a.send(t, c.up.gate.Realm(), user, "wrong "+strconv.Itoa(i%passwords))
		if g.status != http.StatusUnauthorized {
			t.Errorf("a wrong password = %d %s, want 401", g.status, g.body)
		}
	})
	if n := c.binds(t, user); n < 1 || n > passwords {
		t.Errorf("%d binds, want 1 to %d", n, passwords)
	}
}

// burst calls so many times at once.
func burst(size int, call func(int)) {
	ready := make(chan struct{})
	var all sync.WaitGroup
	for i := range size {
		all.Go(func() {
			<-ready
			call(i)
		})
	}
	close(ready)
	all.Wait()
}

// TestScopesAsClientsWriteThem: what each client writes for the same wish comes to the same grant.
func TestScopesAsClientsWriteThem(t *testing.T) {
	t.Parallel()
	c := shared(t)
	const raw = "scope=repository%3Asearch%2Fapp%3Apull%2Cpush&scope=repository%3Apayments%2Fapi%3Apull+repository%3Asearch%2Fapp%3Apush%2Cpull" +
		"&scope=repository%3Asearch%2Fapp%3Apush%2Cpull&scope=repository%3Apayments%2Fapi%3Apull"
	cases := map[string]struct {
		user, scopes string
		want         []string
	}{
		"P41 P42 kaniko and cosign, the 7th request of a copy": {"dana", raw, []string{"repository:payments/api:pull", "repository:search/app:pull,push"}},
		"P45 the same, the source of the mount denied":         {"carol", raw, []string{"repository:search/app:pull,push"}},
		"P46 skopeo delete":                  {"carol", "scope=repository%3Asearch%2Fapp%3A%2A", []string{"repository:search/app:delete,pull,push"}},
		"P46 skopeo delete, nothing granted": {"carol", "scope=repository%3Apayments%2Fapi%3A%2A", []string{}},
		"P47 podman search":                  {"dana", "scope=registry%3Acatalog%3A%2A", []string{"registry:catalog:*"}},
		"P47 podman search, nothing granted": {"carol", "scope=registry%3Acatalog%3A%2A", []string{}},
		"P48 docker plugin":                  {"nora", "scope=repository%28plugin%29%3Apayments%2Fapi%3Apull", []string{"repository:payments/api:pull"}},
		"P53 an empty scope of containerd":   {"nora", "scope=&scope=repository%3Apayments%2Fapi%3Apull", []string{"repository:payments/api:pull"}},
		"zot's catalog, of distribution":     {"dana", "scope=repository%3A%3Apull", []string{}},
	}
	for name, test := range cases {
		for _, service := range []string{service2, service3} {
			t.Run(name+" on "+service, func(t *testing.T) {
				t.Parallel()
				g := ask{query: "service=" + service + "&" + test.scopes}.send(t, c.up.gate.Realm(), test.user, c.directory.Password)
				if got := sorted(g.access()); g.status != http.StatusOK || !slices.Equal(got, test.want) {
					t.Errorf("%s = %d %q, want 200 %q", test.scopes, g.status, got, test.want)
				}
			})
		}
	}
}

// TestP45_ContainerdPushesWhenTheSourceOfAMountIsDenied: with less than it asked for it is refused the mount, and goes on
// without it.
func TestP45_ContainerdPushesWhenTheSourceOfAMountIsDenied(t *testing.T) {
	t.Parallel()
	c := shared(t)
	for service, host := range c.up.hosts {
		scopes := "repository%3Apayments%2Fapi%3Apull+repository%3Asearch%2Fapp%3Apull+repository%3Asearch%2Fapp%3Apull%2Cpush"
		a := ask{post: true, query: "grant_type=password&client_id=containerd-client&service=" + service + "&scope=" + scopes}
		g := a.send(t, c.up.gate.Realm(), "carol", c.directory.Password)
		if want := []string{"repository:search/app:pull,push"}; g.status != http.StatusOK || !slices.Equal(sorted(g.access()), want) {
			t.Errorf("token = %d %q, want 200 %q", g.status, g.access(), want)
		}
		uploads := "http://" + host + "/v2/search/app/blobs/uploads/"
		mount := uploads + "?from=payments%2Fapi&mount=sha256%3A" + strings.Repeat("ab", 32)
		if status := bear(t, http.MethodPost, mount, g.token); status != http.StatusUnauthorized {
			t.Errorf("%s: mount = %d, want 401", service, status)
		}
		if status := bear(t, http.MethodPost, uploads, g.token); status != http.StatusAccepted {
			t.Errorf("%s: upload = %d, want 202", service, status)
		}
	}
}

// bear does something on a registry with a token.
func bear(t *testing.T, method, place, token string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, place, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := new(http.Client).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode
}
