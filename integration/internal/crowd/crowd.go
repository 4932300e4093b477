package crowd

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// Options say who asks for what.
type Options struct {
	// Users are the accounts; each has a client of its own.
	Users []string
	// Password is everybody's.
	Password string
	// Scope is what each request asks for.
	Scope string
	// Worst is how long an answer may take.
	Worst time.Duration
	// Patience bounds [Crowd.Await].
	Patience time.Duration
}

// Crowd is clients that ask. Make one with [Start].
type Crowd struct {
	o       Options
	cancel  context.CancelFunc
	clients sync.WaitGroup
	asked   []atomic.Int64    // by user
	answers [600]atomic.Int64 // by status
	slowest atomic.Int64
	faults  chan string
}

// Start lets everybody ask until [Crowd.Stop], or else until the test ends.
func Start(t testing.TB, asker client.Asker, o Options) *Crowd {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	const most = 100 // faults that are told
	c := &Crowd{o: o, cancel: cancel, asked: make([]atomic.Int64, len(o.Users)), faults: make(chan string, most)}
	transport := &http.Transport{MaxIdleConnsPerHost: len(o.Users)}
	asker.HTTP = &http.Client{Transport: transport}
	t.Cleanup(transport.CloseIdleConnections)
	for i, user := range o.Users {
		c.clients.Go(func() {
			for ctx.Err() == nil {
				c.asked[i].Add(1)
				answer, err := asker.Ask(ctx, user, o.Password, o.Scope)
				switch {
				case ctx.Err() != nil: // the end
				case err != nil:
					c.fault("%s: %v", user, err)
				default:
					c.judge(user, answer)
				}
			}
		})
	}
	t.Cleanup(func() { cancel(); c.clients.Wait() })
	return c
}

// judge counts an answer, and keeps it if it must not be.
func (c *Crowd) judge(user string, a client.Answer) {
	c.answers[a.Status].Add(1)
	for took, known := int64(a.Took), c.slowest.Load(); took > known && !c.slowest.CompareAndSwap(known, took); {
		known = c.slowest.Load()
	}
	if a.Status != http.StatusOK && a.Status != http.StatusServiceUnavailable {
		c.fault("%s: %d %s", user, a.Status, a.Body)
	}
	if a.Took > c.o.Worst {
		c.fault("%s: %d after %v, want at most %v", user, a.Status, a.Took, c.o.Worst)
	}
}

func (c *Crowd) fault(format string, args ...any) {
	select {
	case c.faults <- fmt.Sprintf(format, args...):
	default:
	}
}

// Await waits until so many more answers had a status.
func (c *Crowd) Await(t testing.TB, status, more int) {
	t.Helper()
	from := c.Answers(status)
	loopback.Eventually(t, c.o.Patience, func() error {
		if got := c.Answers(status) - from; got < more {
			return fmt.Errorf("only %d answers %d", got, status)
		}
		return nil
	})
}

// Answers is how many answers had a status so far.
func (c *Crowd) Answers(status int) int { return int(c.answers[status].Load()) }

// Asked is how often a user, by the place in the options, asked so far, answered or not.
func (c *Crowd) Asked(user int) int { return int(c.asked[user].Load()) }

// Stop ends the asking and fails the test for every answer that must not be.
func (c *Crowd) Stop(t testing.TB) {
	t.Helper()
	c.cancel()
	c.clients.Wait()
	close(c.faults)
	for fault := range c.faults {
		t.Errorf("under load: %s", fault)
	}
	t.Logf("%d tokens, %d unavailable, the slowest after %v", c.Answers(http.StatusOK), c.Answers(http.StatusServiceUnavailable),
		time.Duration(c.slowest.Load()))
}
