package policyfile

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/wharfgate/wharfgate/pkg/policy"
)

// ErrInvalidOptions means that a [Watcher] cannot be made of the options.
var ErrInvalidOptions = errors.New("invalid options")

// The times of a [Watcher] that its options leave zero.
const (
	defaultQuiet    = 100 * time.Millisecond
	defaultPoll     = time.Second
	defaultRetry    = time.Second
	defaultRecheck  = 10 * time.Minute
	maxRetry        = time.Minute
	maxQuietPeriods = 5
)

// WatcherOptions says what a [Watcher] does.
type WatcherOptions struct {
	// Path is the file. It may be a symbolic link, also by way of linked directories.
	Path string
	// Options are those of [Parse].
	Options Options
	// Live gets each good policy.
	Live *policy.Live
	// Observer is told what happens; its zero value hears nothing.
	Observer Observer
	// Quiet is how long a file must not have changed before it is read; zero means 100 ms. It is read
	// after five times that in any case.
	Quiet time.Duration
	// Poll is how often the file is looked at even without a notice of a change; zero means 1 s.
	Poll time.Duration
	// Retry is the time after which a directory that could not be asked is asked again; it doubles each time
	// up to a minute. Zero means 1 s.
	Retry time.Duration
	// Recheck is how often groups that are held are looked up again, to notice vanished ones; zero means 10
	// minutes.
	Recheck time.Duration
}

// Watcher keeps a [policy.Live] in step with a file. A bad file never replaces a good policy.
type Watcher struct {
	o    WatcherOptions
	turn chan struct{} // holds the one turn to load; the next fields belong to whoever took it

	holder   *holder
	document *document // in force; nil before the first load
	sum      [sha256.Size]byte
	info     fs.FileInfo // of the last look, good or bad
	looked   bool

	file, groups problem
	unresolved   atomic.Int64
}

// NewWatcher makes a Watcher. It reads nothing yet: call [Watcher.Reload] for the first policy.
func NewWatcher(o WatcherOptions) (*Watcher, error) {
	if o.Path == "" {
		return nil, errorf("no path")
	}
	if o.Live == nil {
		return nil, errorf("no live policy")
	}
	o.Quiet = orElse(o.Quiet, defaultQuiet)
	o.Poll = orElse(o.Poll, defaultPoll)
	o.Retry = orElse(o.Retry, defaultRetry)
	o.Recheck = orElse(o.Recheck, defaultRecheck)
	w := &Watcher{o: o, turn: make(chan struct{}, 1), holder: newHolder(o.Options)}
	w.turn <- struct{}{}
	return w, nil
}

// errorf wraps ErrInvalidOptions.
func errorf(what string) error { return errors.Join(ErrInvalidOptions, errors.New(what)) }

// orElse gives a positive duration or the default.
func orElse(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

// Reload reads the file now and puts it in force, also where it did not change: groups are asked for anew. A
// file with faults is an error of type [Faults], and the policy before it stays in force. It is safe for
// concurrent use, also with [Watcher.Run].
func (w *Watcher) Reload(ctx context.Context) error { return w.inTurn(ctx, w.load) }

// LastError gives the faults of the file as it is now, or of the groups that it names, as [Faults]. It is nil
// where the policy in force is what the file says.
func (w *Watcher) LastError() error {
	if err := w.file.get(); err != nil {
		return err
	}
	return w.groups.get()
}

// Unresolved is the number of groups in cannots of the policy in force whose id is not known yet.
func (w *Watcher) Unresolved() int { return int(w.unresolved.Load()) }

// inTurn runs f when nobody else loads.
func (w *Watcher) inTurn(ctx context.Context, f func(context.Context) error) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-w.turn:
	}
	defer func() { w.turn <- struct{}{} }()
	return f(ctx)
}

// load reads the file and puts it in force.
func (w *Watcher) load(ctx context.Context) error {
	data, info, err := readFile(w.o.Path)
	w.info, w.looked = info, true
	if err != nil {
		return w.refuse(err)
	}
	w.sum = sha256.Sum256(data)
	return w.take(ctx, data)
}

// loadChanged reads the file and puts it in force if its content is another one than last time.
func (w *Watcher) loadChanged(ctx context.Context) error {
	data, info, err := readFile(w.o.Path)
	unreadable := w.looked && w.info == nil
	w.info, w.looked = info, true
	if err != nil {
		return w.refuse(err)
	}
	sum := sha256.Sum256(data)
	if w.document != nil && sum == w.sum && !unreadable {
		return nil
	}
	w.sum = sum
	return w.take(ctx, data)
}

// take parses a document and puts it in force.
func (w *Watcher) take(ctx context.Context, data []byte) error {
	d, faults := read(w.o.Path, data, w.o.Options)
	before := w.holder.states
	w.holder.states = keepStates(before, d.holds)
	w.holder.find(ctx, d.holds)
	faults = append(faults, w.holder.faults(d)...)
	if len(faults) == 0 {
		faults, _ = d.verify()
	}
	if err := join(faults, nil); err != nil {
		w.holder.states = before
		return w.refuse(err)
	}
	w.document = d
	w.file.clear()
	w.groups.clear()
	return w.swap(before)
}

// keepStates copies what is known of the groups that a document names, and of no others.
func keepStates(known map[groupRef]state, holds []hold) map[groupRef]state {
	kept := make(map[groupRef]state, len(holds))
	for _, ref := range holds {
		if s, ok := known[ref.groupRef]; ok {
			kept[ref.groupRef] = s
		}
	}
	return kept
}

// refuse notes why the file is not taken, and tells it once. Before the first policy is in force, whoever wants
// it gets the error and nobody else is told.
func (w *Watcher) refuse(err error) error {
	faults, ok := errors.AsType[Faults](err)
	if !ok {
		faults = Faults{{File: w.o.Path, Code: CodeUnreadable, Message: err.Error()}}
	}
	observer := &w.o.Observer
	if w.document == nil {
		observer = &Observer{}
	}
	w.file.set(faults, observer)
	return faults
}

// swap puts the document in force with what is known of its groups now, and tells it.
func (w *Watcher) swap(before map[groupRef]state) error {
	p, err := w.document.compile(w.holder)
	if err != nil {
		return w.refuse(err)
	}
	open := w.holder.unresolved(w.document.holds)
	w.document.inForce(p)
	w.o.Live.Swap(p)
	w.unresolved.Store(int64(open))
	w.o.Observer.loaded(Loaded{Revision: p.Revision(), Rules: p.Len(), Unresolved: open, Refused: w.file.get() != nil})
	w.tell(before)
	return nil
}

// tell reports groups that could not be asked for, and those that vanished since before.
func (w *Watcher) tell(before map[groupRef]state) {
	told := map[groupRef]bool{}
	for _, ref := range w.document.holds {
		if told[ref.groupRef] {
			continue
		}
		told[ref.groupRef] = true
		s := w.holder.states[ref.groupRef]
		if !s.held {
			w.o.Observer.unresolved(ref.groupRef, s.err)
		}
		if s.vanished && !before[ref.groupRef].vanished {
			w.o.Observer.vanished(ref.groupRef)
		}
	}
}
