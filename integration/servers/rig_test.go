package servers_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/lifetime"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// TestMain runs the tests and then ends what they shared.
func TestMain(m *testing.M) {
	const atOnce = 4                 // most tests wait
	os.Exit(lifetime.Run(m, atOnce)) //nolint:forbidigo // a fault of the last cleanups has no test to fail
}

const (
	// policy lets everybody pull, and gives each group a folder of its name.
	policy = `version: 1
rules:
  - {who: signed-in, can: pull, repos: everybody/**}
  - {who: "group:<team>", can: [pull, push], repos: teams/<team>/**}
`
	// worst is how long an answer may take, and slack what a busy machine and the race detector add.
	worst, slack = 5 * time.Second, time.Second
	// recovery is how soon after its directory the gate must serve again.
	recovery = 60 * time.Second
)

// start starts a gate to which one address may fail as often as it likes.
func start(t testing.TB, d gate.Directory, edits ...func(gate.Settings)) *gate.Gate {
	t.Helper()
	return gate.Start(t, d, policy, append([]func(gate.Settings){gate.WithoutAddressLimit}, edits...)...)
}

// servers names the servers of the directory.
func servers(urls ...string) func(gate.Settings) {
	return func(s gate.Settings) { s.Directory()["servers"] = urls }
}

// uncached lets the gate remember hardly anything, so that every login searches and binds.
func uncached(s gate.Settings) {
	s.Directory()["cache"] = gate.Settings{"ttl": "1s", "stale_if_down": "0s"}
}

// ask asks for a token.
func ask(t *testing.T, g *gate.Gate, user, password string, scopes ...string) client.Answer {
	t.Helper()
	answer, err := g.Asker(gate.Service).Ask(t.Context(), user, password, scopes...)
	if err != nil {
		t.Fatalf("token for %q: %v", user, err)
	}
	return answer
}

// mustGrant asks for a token and fails the test without one.
func mustGrant(t *testing.T, g *gate.Gate, user, password string, scopes ...string) client.Answer {
	t.Helper()
	answer := ask(t, g, user, password, scopes...)
	if answer.Status != http.StatusOK {
		t.Fatalf("token for %s = %d %s after %v\n%s", user, answer.Status, answer.Body, answer.Took, g.Process.Err)
	}
	return answer
}

// errNotServed means that no token was granted.
var errNotServed = errors.New("not served")

// awaitGrant waits until tokens are granted.
func awaitGrant(t *testing.T, g *gate.Gate, user, password string) {
	t.Helper()
	loopback.Eventually(t, recovery, func() error {
		answer, err := g.Asker(gate.Service).Ask(t.Context(), user, password)
		if err == nil && answer.Status != http.StatusOK {
			err = fmt.Errorf("the gate answers %d", answer.Status)
		}
		return err
	})
}

// person is the name of one of many people.
func person(i int) string { return fmt.Sprintf("u%05d", 1+i) }

// load is clients that ask for tokens without a pause, each for people of its own.
type load struct {
	cancel  context.CancelFunc
	clients sync.WaitGroup
	asked   []atomic.Int64    // by person
	answers [600]atomic.Int64 // by status
	faults  chan string
}

// startLoad asks until stop, as so many people.
func startLoad(t *testing.T, g *gate.Gate, password string, people int) *load {
	t.Helper()
	return startLoadOf(t, g, password, people, person)
}

// startLoadOf is startLoad for people of other names.
func startLoadOf(t *testing.T, g *gate.Gate, password string, people int, person func(int) string) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel, asked: make([]atomic.Int64, people), faults: make(chan string, people)}
	asker := g.Asker(gate.Service)
	transport := &http.Transport{MaxIdleConnsPerHost: people}
	asker.HTTP = &http.Client{Transport: transport}
	t.Cleanup(transport.CloseIdleConnections)
	for i := range people {
		l.clients.Go(func() {
			for ctx.Err() == nil {
				l.asked[i].Add(1)
				answer, err := asker.Ask(ctx, person(i), password, "repository:everybody/x:pull")
				switch {
				case ctx.Err() != nil:
				case err != nil:
					l.fault("%s: %v", person(i), err)
				default:
					l.judge(person(i), answer)
				}
			}
		})
	}
	t.Cleanup(func() { cancel(); l.clients.Wait() })
	return l
}

// judge counts an answer, and keeps it if it must not be.
func (l *load) judge(user string, a client.Answer) {
	l.answers[a.Status].Add(1)
	if a.Status != http.StatusOK && a.Status != http.StatusServiceUnavailable {
		l.fault("%s: %d %s", user, a.Status, a.Body)
	}
	if a.Took > worst+slack {
		l.fault("%s: %d after %v", user, a.Status, a.Took)
	}
}

func (l *load) fault(format string, args ...any) {
	select {
	case l.faults <- fmt.Sprintf(format, args...):
	default:
	}
}

// await waits until so many more answers had a status.
func (l *load) await(t *testing.T, status, more int) {
	t.Helper()
	from := l.answers[status].Load()
	loopback.Eventually(t, recovery, func() error {
		if got := l.answers[status].Load() - from; got < int64(more) {
			return fmt.Errorf("only %d answers %d", got, status)
		}
		return nil
	})
}

// stop ends the load and judges it.
func (l *load) stop(t *testing.T) {
	t.Helper()
	l.cancel()
	l.clients.Wait()
	close(l.faults)
	for fault := range l.faults {
		t.Errorf("under load: %s", fault)
	}
	t.Logf("%d tokens, %d unavailable", l.answers[http.StatusOK].Load(), l.answers[http.StatusServiceUnavailable].Load())
}

// usage counts the open files and the goroutines of the gate.
func usage(t *testing.T, g *gate.Gate) (files, goroutines int) {
	t.Helper()
	files, err := g.Process.OpenFiles()
	if err != nil {
		t.Fatal(err)
	}
	return files, int(g.Metric(t, "go_goroutines"))
}

// awaitUsage waits until the gate holds no more than before, but for idle connections that come and go.
func awaitUsage(t *testing.T, g *gate.Gate, files, goroutines int) {
	t.Helper()
	const margin = 12
	loopback.Eventually(t, recovery, func() error {
		if f, n := usage(t, g); f > files+margin || n > goroutines+margin {
			return fmt.Errorf("open files %d and goroutines %d, before %d and %d", f, n, files, goroutines)
		}
		return nil
	})
}
