package token

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Step is what a rotation did. It is a closed set.
type Step string

// The steps. A rotation is two of them: registries learn of a key before it signs.
const (
	// StepPublished means that the next key is there, and that registries must get it now.
	StepPublished Step = "published"
	// StepActivated means that the next key signs from now on.
	StepActivated Step = "activated"
)

// Rotation says how far and how fast a rotation goes.
type Rotation struct {
	// Now is the time.
	Now time.Time
	// PublishFor is how long a key must have been published before it signs: as long as it takes until every registry
	// has it.
	PublishFor time.Duration
	// RetireFor is how long a key is published after it ceased to sign: the longest life of a token.
	RetireFor time.Duration
	// Force activates a key that was not published long enough. Registries that do not have it refuse every token.
	Force bool
}

// ready is an error that matches ErrTooEarly if a key that was published at a time must not sign yet.
func (r Rotation) ready(published time.Time) error {
	at := published.Add(r.PublishFor)
	if r.Force || !r.Now.Before(at) {
		return nil
	}
	return fmt.Errorf("%w: the next key was published at %s and may sign from %s on; give it to every registry, or use --force where every registry has it",
		ErrTooEarly, published.UTC().Format(time.RFC3339), at.UTC().Format(time.RFC3339))
}

// CreateRing makes the file of a ring with its first key, which is active at once: no registry knows another one. The
// folder is made if absent. A file that is there is never overwritten: the error matches [ErrRingExists].
func CreateRing(path, algorithm string, now time.Time) error {
	record, err := newRingRecord(algorithm, now)
	if err != nil {
		return err
	}
	record.Activated = record.Published
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return fmt.Errorf("make the folder of the keys: %w", err)
	}
	unlock, err := lockFolder(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("%w: %s", ErrRingExists, path), err)
	}
	f := ringFile{Version: ringVersion, Algorithm: algorithm, Keys: []ringRecord{record}}
	return f.write(path)
}

// RotateRing takes the next step with the keys in the file of a ring: where no key stands by, it makes one; else that
// key signs from now on and the one before it retires. A running gate follows the file. Two rotations at once are one
// after the other. Errors match [ErrTooEarly] or [ErrInvalidKey], or are those of the file system; nothing is changed
// then.
func RotateRing(path string, r Rotation) (Step, error) {
	unlock, err := lockFolder(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	defer unlock()
	f, err := readRing(path)
	if err != nil {
		return "", err
	}
	f.bury(r.Now)
	next := f.find(KeyStandby, r.Now)
	if next == nil {
		record, err := newRingRecord(f.Algorithm, r.Now)
		if err != nil {
			return "", err
		}
		f.Keys = append(f.Keys, record)
		return StepPublished, f.write(path)
	}
	if err := r.ready(next.Published); err != nil {
		return "", err
	}
	now := r.Now.UTC().Truncate(time.Second)
	if active := f.find(KeyActive, r.Now); active != nil {
		active.Retired, active.RetireUntil = now, now.Add(r.RetireFor)
	}
	next.Activated = now
	return StepActivated, f.write(path)
}
