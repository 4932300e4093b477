package activedirectory_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/integration/internal/tap"
)

// trips are the requests for whose answers a login waits: not those by which the gate learns, beside it, what the server
// and the service account are.
func trips(t *testing.T, d *samba.Server, requests []tap.Request) []tap.Request {
	t.Helper()
	service := "<GUID=" + guidText(t, d.Read(t, d.BindDN, "objectGUID").GetRawAttributeValue("objectGUID")) + ">"
	return slices.DeleteFunc(slices.Clone(requests), func(r tap.Request) bool {
		return !r.IsTrip() || slices.Contains([]string{d.BindDN, service, ""}, r.Name)
	})
}

// brief shows a request in one line.
func brief(r tap.Request) string {
	const most = 200
	text := fmt.Sprintf("%+v", r)
	return text[:min(len(text), most)]
}

// TestLDAP14_TripsOfAUserIn300Groups: five at most when nothing is known, and one bind after that.
func TestLDAP14_TripsOfAUserIn300Groups(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	p := tap.Start(t, d.Address+":636", d.TLS(t))
	g := start(t, d, through(p))
	const scope, repo = "repository:teams/wide50-1/x:pull", "teams/wide50-1/x"
	learnServer(t, g, d, p)
	mark := p.Mark()
	cold := g.MustGrant(t, "wanda", d.Password, scope)
	requests := trips(t, d, p.Since(mark))
	if granted(cold, repo) == nil {
		t.Errorf("wanda gets nothing through her last group")
	}
	if len(requests) > 5 {
		t.Errorf("%d round trips, want 5 at most:", len(requests))
		for _, r := range requests {
			t.Errorf("  %s", brief(r))
		}
	}
	mark = p.Mark()
	warm := g.MustGrant(t, "wanda", d.Password, scope)
	if requests := trips(t, d, p.Since(mark)); len(requests) != 1 || requests[0].Operation != tap.Bind {
		t.Errorf("a second login makes %+v, want one bind", requests)
	}
	t.Logf("cold %v in %d trips, warm %v", cold.Took, len(requests), warm.Took)
}

// learnServer lets somebody else log in until the gate has learned that the server takes ids at a bind.
func learnServer(t *testing.T, g *gate.Gate, d *samba.Server, p *tap.Tap) {
	t.Helper()
	loopback.Eventually(t, soon, func() error {
		mark := p.Mark()
		g.MustGrant(t, "u0018", d.Password)
		for _, r := range p.Since(mark) {
			if r.Operation == tap.Bind && strings.HasPrefix(r.Name, "<GUID=") {
				return nil
			}
		}
		return errors.New("accounts are bound by their DN")
	})
}

// TestLDAP55_P35_OnePullIsOneBind: a client that asks for many tokens at once costs one bind and one reading of groups.
func TestLDAP55_P35_OnePullIsOneBind(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	p := tap.Start(t, d.Address+":636", d.TLS(t))
	g := start(t, d, through(p))
	g.MustGrant(t, "u0017", d.Password) // somebody else, so that connections are there
	mark := p.Mark()
	var clients sync.WaitGroup
	for i := range 30 {
		clients.Go(func() {
			answer, err := g.Asker(gate.Service).Ask(t.Context(), "dana", d.Password, fmt.Sprintf("repository:teams/deep-%d/x:pull", i+1))
			if err != nil || len(answer.Claims.Access) != 1 || len(answer.Claims.Access[0].Actions) != 1 {
				t.Errorf("token for group %d = %d %+v, %v", i+1, answer.Status, answer.Claims, err)
			}
		})
	}
	clients.Wait()
	binds, reads := 0, 0
	for _, r := range trips(t, d, p.Since(mark)) {
		if r.Operation == tap.Bind {
			binds++
		}
		if slices.ContainsFunc(r.Attributes, func(a string) bool { return strings.EqualFold(a, "tokenGroups") }) {
			reads++
		}
	}
	const most = 2 // the machine may be so slow that a client comes when the first ones have their answers
	if binds < 1 || binds > most || reads != 1 {
		t.Errorf("%d binds and %d readings of groups, want one of each", binds, reads)
	}
}

// TestLDAP39_EverybodyHasTheOwnGroups: under many logins at once nobody gets what is another's, and no connection is
// opened once there are enough.
func TestLDAP39_EverybodyHasTheOwnGroups(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	p := tap.Start(t, d.Address+":636", d.TLS(t))
	const people, rounds = 20, 2
	g := start(t, d, through(p), func(s gate.Settings) {
		s.Directory()["cache"] = gate.Settings{"ttl": "1s"} // so that groups are read again and again
		s.Directory()["bind_connections"] = gate.Settings{"min": 4, "max": 8}
	})
	user := func(i int) string { return fmt.Sprintf("u%04d", 41+i) }
	for i := range people {
		d.AddGroup(t, samba.Global, "only-"+user(i), d.UserDN(user(i)))
	}
	everybody := func() {
		var clients sync.WaitGroup
		for n := range 64 {
			clients.Go(func() {
				for round := range rounds {
					me, other := user((n+round)%people), user((n+round+1)%people)
					mine, others := "teams/only-"+me+"/x", "teams/only-"+other+"/x"
					answer, err := g.Asker(gate.Service).Ask(t.Context(), me, d.Password, "repository:"+mine+":pull", "repository:"+others+":pull")
					if err != nil || granted(answer, mine) == nil || granted(answer, others) != nil || answer.Claims.Subject != me {
						t.Errorf("%s: %d %+v, %v", me, answer.Status, answer.Claims, err)
					}
				}
			})
		}
		clients.Wait()
	}
	const most = 8 + 2 + 2 // for binds, for searches, and what was tried once
	for range 4 {
		open := p.Connections()
		if everybody(); p.Connections() == open {
			break
		}
	}
	everybody()
	if n := p.Connections(); n > most { // the pool may still grow to its bound, and no connection is opened twice
		t.Errorf("%d connections were opened in all, want %d at most", n, most)
	}
}
