package directory

import (
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/cache"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
)

const (
	// latecomersSize is how many binds are held for latecomers at most; the least recently used go first.
	latecomersSize = 1024
	// latecomersFor is how long a login may take to its bind and still have the answer of one that was sent meanwhile.
	latecomersFor = 5 * time.Second
)

// latecomers holds for a moment what binds have proven. Many identical logins at once wait for one entry; on a busy
// machine some of them come to the bind only after it has been answered. Whoever began before it was sent has its
// answer, as those have who came in time. Whoever began later has none, so this believes nothing that is older than the
// login itself.
type latecomers struct {
	answers *cache.Cache[guard.Fingerprint, lateAnswer]
}

// lateAnswer is what a bind proved, and when it was sent.
type lateAnswer struct {
	proven proven
	sent   time.Time
}

func newLatecomers(now func() time.Time) (*latecomers, error) {
	answers, err := cache.New[guard.Fingerprint, lateAnswer](cache.Options{
		Size: latecomersSize, TTL: latecomersFor, Now: now,
	})
	if err != nil {
		return nil, err
	}
	return &latecomers{answers: answers}, nil
}

// keep holds what a bind proved that was sent not before that time.
func (l *latecomers) keep(f guard.Fingerprint, sent time.Time, p proven) {
	l.answers.Add(f, lateAnswer{proven: p, sent: sent})
}

// get gives what was proven of the same entry by a bind that was sent after a login began.
func (l *latecomers) get(q question) (proven, bool) {
	hit := l.answers.Get(q.print)
	p := hit.Value.proven
	if hit.State != cache.Fresh || !q.start.Before(hit.Value.sent) || p.entry.ID != q.entry.ID {
		return proven{}, false
	}
	return p, true
}
