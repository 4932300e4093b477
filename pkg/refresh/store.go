package refresh

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	journalFile = "refresh-tokens.journal"
	usesFile    = "refresh-tokens.used"
	lockName    = "refresh-tokens.lock"
)

// ErrInvalidOptions means that something was given options that make no sense.
var ErrInvalidOptions = errors.New("invalid options of refresh tokens")

// StoreOptions say where a [Store] is.
type StoreOptions struct {
	// Folder holds its files; it is made with mode 0700 if absent. It must not be empty.
	Folder string
	// Observer is told what happens.
	Observer Observer
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
	// Rand is where keys and tokens come from; nil means [rand.Reader]. It must be safe for concurrent use.
	Rand io.Reader
}

// Store holds the keys of refresh tokens and their revocations, in one file: who loses one loses both. It is safe for
// concurrent use, and several processes may have one in the same folder. Make one with [Open].
type Store struct {
	path, lock string
	observer   Observer
	now        func() time.Time
	random     io.Reader
	uses       *uses

	writing sync.Mutex // lets one writer be; it guards what follows
	seen    fs.FileInfo
	whole   int64 // bytes of whole lines
	lines   int
	told    string // the last error of following that was told

	mu       sync.RWMutex // guards what follows
	keys     keys
	all      time.Time // every token that was made until then is revoked
	accounts map[account]revocation
}

// Open opens the store in a folder, or makes it with its first key. Errors match [ErrDamaged] if what is there is not
// what was written.
func Open(o StoreOptions) (*Store, error) {
	if o.Folder == "" {
		return nil, fmt.Errorf("%w: no folder", ErrInvalidOptions)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	const dirMode = 0o700
	if err := os.MkdirAll(o.Folder, dirMode); err != nil {
		return nil, fmt.Errorf("open the store of refresh tokens: %w", err)
	}
	s := &Store{
		path: filepath.Join(o.Folder, journalFile), lock: filepath.Join(o.Folder, lockName),
		observer: o.Observer, now: o.Now, random: o.Rand, accounts: make(map[account]revocation),
		uses: newUses(filepath.Join(o.Folder, usesFile)),
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("open the store of refresh tokens: %w", err)
	}
	if err := s.uses.read(); err != nil {
		s.observer.failed(err) // tokens then count as unused since they were made
	}
	return s, nil
}

// Check looks whether the store in a folder can be opened, and writes nothing. One that is not there yet is well.
func Check(folder string) error {
	_, _, _, err := readJournal(filepath.Join(folder, journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// load reads the file, or makes it.
func (s *Store) load() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	unlock, err := lockFile(s.lock)
	if err != nil {
		return err
	}
	defer unlock()
	if err = s.read(); !errors.Is(err, fs.ErrNotExist) && err != nil {
		return err
	}
	if len(s.keys) > 0 {
		return nil
	}
	return s.addKey(s.now())
}

// addKey makes a key. The caller is the writer and holds the lock of the file.
func (s *Store) addKey(from time.Time) error {
	k, err := newKey(from, s.random)
	if err != nil {
		return err
	}
	e := entry{Key: k.record()}
	if err := s.take(e); err != nil {
		return err
	}
	return s.write(e)
}

// read takes over what the file says, unless it is as it was. The caller is the writer.
func (s *Store) read() error {
	if info, err := os.Stat(s.path); err == nil && s.seen != nil && unchanged(info, s.seen) {
		return nil
	}
	entries, whole, info, err := readJournal(s.path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := s.take(e); err != nil {
			return err
		}
	}
	s.seen, s.whole, s.lines = info, whole, len(entries)
	return nil
}

// unchanged reports whether two looks at a file saw the same.
func unchanged(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// take learns one line. A line that is known already says nothing new; what was revoked stays so.
func (s *Store) take(e entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Key != nil {
		k, err := e.Key.key()
		if err != nil {
			return err
		}
		if known, _ := s.keys.find(k.id); known == nil {
			s.keys = s.keys.add(k)
		}
		return nil
	}
	r := *e.Revoked
	if r.account() == (account{}) {
		s.all = later(s.all, r.Before)
		return nil
	}
	if known, ok := s.accounts[r.account()]; !ok || r.Before.After(known.Before) {
		s.accounts[r.account()] = r
	}
	return nil
}

// put brings lines into force and then to the disk. Those that could not be written are in force all the same, until
// the process ends: they only take away.
func (s *Store) put(entries ...entry) error {
	for _, e := range entries {
		if err := s.take(e); err != nil {
			return err
		}
	}
	return s.change(func() error { return s.write(entries...) })
}

// write brings lines that are in force to the disk. The caller is the writer and holds the lock of the file.
func (s *Store) write(entries ...entry) error {
	living := s.living()
	_, missing := os.Stat(s.path)
	if missing != nil || s.lines+len(entries) > 2*len(living)+slack {
		data, err := encodeEntries(living)
		if err == nil {
			err = replaceFile(s.path, data)
		}
		return s.wrote(err, int64(len(data)), len(living))
	}
	data, err := encodeEntries(entries)
	if err == nil {
		err = appendJournal(s.path, s.whole, data)
	}
	return s.wrote(err, s.whole+int64(len(data)), s.lines+len(entries))
}

// wrote notes what the file is after it was written, or that it must be read again.
func (s *Store) wrote(err error, whole int64, lines int) error {
	s.seen = nil
	if err != nil {
		return err
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	s.seen, s.whole, s.lines = info, whole, lines
	return nil
}

// living gives the lines that still say something.
func (s *Store) living() []entry {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = s.keys.living(now)
	var all []entry
	for _, k := range s.keys {
		all = append(all, entry{Key: k.record()})
	}
	if !s.all.IsZero() {
		all = append(all, entry{Revoked: &revocation{Before: s.all.UTC(), At: now.UTC()}})
	}
	for who, r := range s.accounts {
		ended := now.Sub(r.Before) > MaxLifetime && r.Before.Before(s.keys[0].from) // the clock alone may be wrong
		if !r.Before.After(s.all) || ended {
			delete(s.accounts, who)
			continue
		}
		all = append(all, entry{Revoked: &r})
	}
	return all
}

// change lets f write, with what other processes have written taken over before.
func (s *Store) change(f func() error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	unlock, err := lockFile(s.lock)
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.read(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return f()
}

// later gives the later one of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
