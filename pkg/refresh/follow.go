package refresh

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// tick is how often the file is looked at, as another process may have written to it.
const tick = 2 * time.Second

// Run follows the files, rotates keys and writes down the last uses, until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return s.flush()
		case <-ticker.C:
			s.tell(s.follow())
			if s.uses.due(s.now()) {
				s.tell(s.flush())
			}
		}
	}
}

// tell reports an error once.
func (s *Store) tell(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != s.told && err != nil {
		s.observer.failed(err)
	}
	s.told = text
}

// follow takes over what other processes have written, and makes the next key when it is time.
func (s *Store) follow() error {
	s.writing.Lock()
	err := s.read()
	s.writing.Unlock()
	if err != nil {
		return fmt.Errorf("follow the store of refresh tokens: %w", err)
	}
	now := s.now()
	if !s.rotationDue(now) {
		return nil
	}
	err = s.change(func() error {
		if !s.rotationDue(now) { // another process was quicker
			return nil
		}
		return s.addKey(now.Add(announce))
	})
	if err != nil {
		return fmt.Errorf("rotate the key of refresh tokens: %w", err)
	}
	return nil
}

// rotationDue reports whether the key that seals has done so for long enough, and none is about to. One that begins far
// away is of a time when the clock was wrong.
func (s *Store) rotationDue(now time.Time) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return !slices.ContainsFunc(s.keys, func(k *key) bool {
		age := now.Sub(k.from)
		return age < rotateEvery && age >= -announce-skew
	})
}

// flush writes down the last uses.
func (s *Store) flush() error {
	unlock, err := lockFile(s.lock)
	if err != nil {
		return fmt.Errorf("write the last uses of refresh tokens: %w", err)
	}
	defer unlock()
	return s.uses.write(s.now())
}
