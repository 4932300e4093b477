package policyfile

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Run watches the file until ctx ends, and then returns nil. What happens to the file goes to the Observer,
// never into the error. It keeps asking for the groups of cannots whose id is not known yet.
func (w *Watcher) Run(ctx context.Context) error {
	n, err := newNotices()
	if err != nil {
		w.o.Observer.blind(err)
	}
	defer n.close()
	l := loop{w: w, notices: n, retryAfter: w.o.Retry}
	l.watch()
	l.ignore(w.inTurn(ctx, w.loadChanged)) // what happened before the watch began
	poll := time.NewTicker(w.o.Poll)
	defer poll.Stop()
	recheck := time.NewTicker(w.o.Recheck)
	defer recheck.Stop()
	l.armRetry()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, ok := <-n.events():
			if ok {
				l.noticed(event.Name)
			}
		case err, ok := <-n.errors():
			if ok {
				w.o.Observer.blind(err)
				l.noticed(w.o.Path) // notices were lost
			}
		case <-l.quiet:
			l.rested(ctx)
		case <-poll.C:
			l.poll(ctx)
		case <-l.retry:
			l.askAgain(ctx)
		case <-recheck.C:
			l.ignore(w.inTurn(ctx, w.recheck))
		}
	}
}

// loop is the state of one Run.
type loop struct {
	w          *Watcher
	notices    *notices
	quiet      <-chan time.Time // fires when no change was noticed for a while
	since      time.Time        // of the first change that waits
	sure       bool             // it is the file itself that changed, not only something beside it
	retry      <-chan time.Time
	retryAfter time.Duration
}

// ignore drops an error that the Observer has been told.
func (*loop) ignore(error) {}

// watch watches the directory of the file, and the one in which it really stands.
func (l *loop) watch() {
	if err := l.notices.watch(l.w.o.Path); err != nil {
		l.w.o.Observer.blind(err)
	}
}

// noticed waits until the file rests, but not for ever.
func (l *loop) noticed(name string) {
	l.sure = l.sure || filepath.Base(name) == filepath.Base(l.w.o.Path)
	now := time.Now()
	if l.quiet == nil {
		l.since = now
	}
	if now.Sub(l.since) < maxQuietPeriods*l.w.o.Quiet {
		l.quiet = time.After(l.w.o.Quiet)
	}
}

// rested looks at the file after its directory came to rest. Where only something beside it changed, its
// attributes tell whether it is worth reading: logs may be written there all the time.
func (l *loop) rested(ctx context.Context) {
	sure := l.sure
	l.quiet, l.sure = nil, false
	if sure {
		l.reload(ctx)
		return
	}
	l.poll(ctx)
}

// reload reads the file and takes it if its content changed.
func (l *loop) reload(ctx context.Context) {
	l.watch() // what is written where a link leads to by now must not be missed
	l.ignore(l.w.inTurn(ctx, l.w.loadChanged))
	l.watch()
	l.armRetry()
}

// poll looks whether the file changed without a notice.
func (l *loop) poll(ctx context.Context) {
	if l.quiet != nil {
		return
	}
	changed := false
	l.ignore(l.w.inTurn(ctx, func(context.Context) error {
		info, err := os.Stat(l.w.o.Path)
		if err != nil {
			info = nil
		}
		changed = !sameFile(info, l.w.info)
		return nil
	}))
	if changed {
		l.reload(ctx)
		return
	}
	l.armRetry() // a Reload of somebody else may have left groups open
}

// armRetry starts the clock while groups are open.
func (l *loop) armRetry() {
	switch {
	case l.w.Unresolved() == 0:
		l.retry, l.retryAfter = nil, l.w.o.Retry
	case l.retry == nil:
		l.retry = time.After(l.retryAfter)
	}
}

// askAgain asks for the groups that are open.
func (l *loop) askAgain(ctx context.Context) {
	l.retry = nil
	l.ignore(l.w.inTurn(ctx, l.w.resolve))
	l.retryAfter = min(2*l.retryAfter, maxRetry)
	l.armRetry()
}

// resolve asks for the groups that are not held yet.
func (w *Watcher) resolve(ctx context.Context) error {
	return w.ask(ctx, func(s state) bool { return !s.held })
}

// recheck asks for all groups. A file that was refused for its groups alone may be good by now.
func (w *Watcher) recheck(ctx context.Context) error {
	if w.file.hasCode(CodeUnknownGroup, CodeAmbiguousGroup) {
		return w.load(ctx)
	}
	return w.ask(ctx, func(state) bool { return true })
}

// ask asks for some groups of the policy in force and swaps it where an id became known or another one. A
// group that the directory turns out not to know stays open: its cannot applies to everybody, and the next
// load refuses the file.
func (w *Watcher) ask(ctx context.Context, which func(state) bool) error {
	if w.document == nil || w.o.Options.FindGroup == nil {
		return nil
	}
	before := maps.Clone(w.holder.states)
	holds := slices.DeleteFunc(slices.Clone(w.document.holds), func(ref hold) bool { return !which(before[ref.groupRef]) })
	if len(holds) == 0 {
		return nil
	}
	w.holder.find(ctx, holds)
	if faults := w.holder.faults(w.document); len(faults) > 0 {
		w.groups.set(faults, &w.o.Observer)
	} else {
		w.groups.clear()
	}
	if maps.EqualFunc(before, w.holder.states, sameHold) {
		w.tell(before)
		return nil
	}
	return w.swap(before)
}

// sameHold reports whether two states hold the same group.
func sameHold(a, b state) bool {
	if !a.held || !b.held {
		return a.held == b.held
	}
	return a.group.ID == b.group.ID && a.group.DN == b.group.DN
}

// notices tells of changes in directories. Its zero value tells nothing.
type notices struct {
	watcher *fsnotify.Watcher
}

// newNotices makes notices; with an error they stay silent.
func newNotices() (*notices, error) {
	fw, err := fsnotify.NewWatcher()
	if err != nil {
		return &notices{}, err
	}
	return &notices{watcher: fw}, nil
}

// close ends the notices.
func (n *notices) close() {
	if n.watcher != nil {
		_ = n.watcher.Close() // nothing is written through it
	}
}

func (n *notices) events() <-chan fsnotify.Event {
	if n.watcher == nil {
		return nil
	}
	return n.watcher.Events
}

func (n *notices) errors() <-chan error {
	if n.watcher == nil {
		return nil
	}
	return n.watcher.Errors
}

// watch watches where a file stands, by its name and behind symbolic links, and nothing else.
func (n *notices) watch(path string) error {
	if n.watcher == nil {
		return nil
	}
	want := []string{filepath.Dir(path)}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		if dir := filepath.Dir(target); dir != want[0] {
			want = append(want, dir)
		}
	}
	have := n.watcher.WatchList()
	for _, dir := range have {
		if !slices.Contains(want, dir) {
			_ = n.watcher.Remove(dir) // it may be gone already
		}
	}
	var problems []error
	for _, dir := range want {
		if slices.Contains(have, dir) {
			continue
		}
		if err := n.watcher.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}
