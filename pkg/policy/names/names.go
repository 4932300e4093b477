package names

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// The bounds of a [Memory].
const (
	// DefaultLimit is how many names are remembered where the options do not say.
	DefaultLimit = 50_000
	// maxText bounds a name and an id, in bytes.
	maxText = 1024
	// maxQueue bounds what was noted and not yet written. More is noted at the next login.
	maxQueue = 1024
	// defaultLook is how often the file of what was accepted is looked at.
	defaultLook = 10 * time.Second
)

// Sighting is an account that was seen under a login name.
type Sighting struct {
	// Directory is the account's directory, Name its login name, ID the directory's own id of it.
	Directory, Name, ID string
	// Named says that a rule has the name itself; such names are kept longest.
	Named bool
}

// Owner says whose a login name is.
type Owner struct {
	// Directory is the directory, Name the folded login name.
	Directory, Name string
	// ID is the folded id of the account to which the name belonged first, or that was accepted; Since is when
	// that was seen first.
	ID    string
	Since time.Time
	// Now is the id of the account that has the name by now, where it is another one; NowSince is when that was
	// seen first.
	Now      string
	NowSince time.Time
}

// HasMoved reports whether the name belongs to another account than before.
func (o Owner) HasMoved() bool { return o.Now != "" }

// Observer is told what happens. Every func may be nil, is called from one goroutine, and must not block for long.
type Observer struct {
	// Moved is called once for each name that is seen to belong to another account.
	Moved func(Owner)
	// Changed is called when [Memory.Moved] may list others than before, and at the start.
	Changed func()
	// Failed is called when the file could not be read or written; what it lacks is written later.
	Failed func(error)
}

// Options are what [Open] needs.
type Options struct {
	// Path is the file; its folder must exist before something is written.
	Path string
	// Limit is how many names are remembered; zero means [DefaultLimit].
	Limit int
	// Look is how often the file of what was accepted is looked at; zero means ten seconds.
	Look time.Duration
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
	// Observer is told what happens.
	Observer Observer
}

// Memory remembers owners of login names. It is safe for concurrent use.
type Memory struct {
	o     Options
	queue chan Sighting

	mu     sync.RWMutex // guards what follows
	owners map[key]*record

	// What follows is used by Run alone.
	file  journal
	blind bool // what was accepted could not be read the last time
}

// key is one login name of one directory.
type key struct{ directory, name string }

// record is an owner, and whether a rule has the name.
type record struct {
	Owner

	named bool
}

// Open reads what is remembered. A file that is missing is empty; what cannot be read of it is left out, and the
// Observer is told when [Memory.Run] begins.
func Open(o Options) *Memory {
	if o.Limit <= 0 {
		o.Limit = DefaultLimit
	}
	if o.Look <= 0 {
		o.Look = defaultLook
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	m := &Memory{o: o, queue: make(chan Sighting, maxQueue), file: journal{path: o.Path}}
	m.owners = m.file.read()
	return m
}

// Note tells that an account was seen. It does not wait; what finds no place in the queue is dropped.
func (m *Memory) Note(s Sighting) {
	s.Name, s.ID = identity.Fold(s.Name), identity.Fold(s.ID)
	if s.Name == "" || s.ID == "" || len(s.Name) > maxText || len(s.ID) > maxText || m.knows(&s) {
		return
	}
	select {
	case m.queue <- s:
	default:
	}
}

// knows reports whether a sighting is nothing new.
func (m *Memory) knows(s *Sighting) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r := m.owners[key{s.Directory, s.Name}]
	return r != nil && r.current() == s.ID && (r.named || !s.Named)
}

// current is the id of the account that has the name now.
func (o Owner) current() string { return cmp.Or(o.Now, o.ID) }

// Find gives what is known of a login name.
func (m *Memory) Find(directory, name string) (Owner, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r, ok := m.owners[key{directory, identity.Fold(name)}]
	if !ok {
		return Owner{}, false
	}
	return r.Owner, true
}

// Moved lists the names that belong to other accounts than before, by directory and name.
func (m *Memory) Moved() []Owner {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var all []Owner
	for _, r := range m.owners {
		if r.HasMoved() {
			all = append(all, r.Owner)
		}
	}
	slices.SortFunc(all, byName)
	return all
}

// byName orders owners.
func byName(a, b Owner) int {
	return cmp.Or(cmp.Compare(a.Directory, b.Directory), cmp.Compare(a.Name, b.Name))
}

// Run writes what is noted until ctx ends; then it writes what is left and returns nil.
func (m *Memory) Run(ctx context.Context) error {
	m.begin()
	look := time.NewTicker(m.o.Look)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			m.take(m.waiting(nil))
			return nil
		case s := <-m.queue:
			m.take(m.waiting([]Sighting{s}))
		case <-look.C:
			m.look()
		}
	}
}

// begin tells what was read.
func (m *Memory) begin() {
	if err := m.file.damage; err != nil {
		m.failed(err)
	}
	m.look()
	m.changed()
}

// waiting gives what waits in the queue, too.
func (m *Memory) waiting(batch []Sighting) []Sighting {
	for {
		select {
		case s := <-m.queue:
			batch = append(batch, s)
		default:
			return batch
		}
	}
}

// take remembers sightings, writes them, and tells which names have moved.
func (m *Memory) take(batch []Sighting) {
	var lines []Owner
	var moved []Owner
	m.mu.Lock()
	for i := range batch {
		r, news := m.see(&batch[i])
		if !news {
			continue
		}
		lines = append(lines, r.Owner)
		if r.Now == batch[i].ID {
			moved = append(moved, r.Owner)
		}
	}
	dropped := m.makeRoom()
	m.mu.Unlock()
	if len(lines) == 0 {
		return
	}
	m.write(lines, dropped)
	for _, o := range moved {
		if m.o.Observer.Moved != nil {
			m.o.Observer.Moved(o)
		}
	}
	m.changed()
}

// see takes one sighting into the memory, and reports whether it is worth a line. The caller has the lock.
func (m *Memory) see(s *Sighting) (r *record, news bool) {
	k := key{s.Directory, s.Name}
	r = m.owners[k]
	if r == nil {
		r = &record{Owner: Owner{Directory: s.Directory, Name: s.Name, ID: s.ID, Since: m.now()}, named: s.Named}
		m.owners[k] = r
		return r, true
	}
	r.named = r.named || s.Named
	switch {
	case r.current() == s.ID:
		return r, false
	case r.ID == s.ID: // it came back
		r.Now, r.NowSince = "", time.Time{}
	default:
		r.Now, r.NowSince = s.ID, m.now()
	}
	return r, true
}

// now gives the time as it is written.
func (m *Memory) now() time.Time { return m.o.Now().UTC().Truncate(time.Second) }

// makeRoom drops a tenth of the names where there are too many: those that no rule has and that have not moved
// first, the oldest before the others. The caller has the lock.
func (m *Memory) makeRoom() (dropped bool) {
	if len(m.owners) <= m.o.Limit {
		return false
	}
	all := make([]*record, 0, len(m.owners))
	for _, r := range m.owners {
		all = append(all, r)
	}
	worth := func(r *record) int {
		switch {
		case r.named:
			return 2
		case r.HasMoved():
			return 1
		default:
			return 0
		}
	}
	slices.SortFunc(all, func(a, b *record) int {
		return cmp.Or(cmp.Compare(worth(a), worth(b)), a.Since.Compare(b.Since), byName(a.Owner, b.Owner))
	})
	for _, r := range all[:len(all)-m.o.Limit+m.o.Limit/10] {
		delete(m.owners, key{r.Directory, r.Name})
	}
	return true
}

// changed tells the Observer.
func (m *Memory) changed() {
	if m.o.Observer.Changed != nil {
		m.o.Observer.Changed()
	}
}

// failed tells the Observer.
func (m *Memory) failed(err error) {
	if m.o.Observer.Failed != nil {
		m.o.Observer.Failed(err)
	}
}
