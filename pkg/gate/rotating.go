package gate

import (
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
)

// rotating is a value that is read from files, and read again when they have changed since. While they hold nothing
// good, as a pair does between the change of its two files, the last good value stays. It is safe for concurrent use.
type rotating[T any] struct {
	key   string // of the configuration
	files []string
	read  func() (T, error)
	log   *slog.Logger

	mu    sync.Mutex
	seen  []fs.FileInfo // the files as they were when they were read; an absent one is nil
	value T
	err   error
	good  bool // there is a value
}

// newRotating makes a value that is read when it is first asked for.
func newRotating[T any](key string, log *slog.Logger, read func() (T, error), files ...string) *rotating[T] {
	return &rotating[T]{key: key, files: files, read: read, log: log}
}

// get gives the value as the files have it, or the last good one. The error is that of files which never held one.
func (r *rotating[T]) get() (T, error) {
	now := make([]fs.FileInfo, len(r.files))
	for i, name := range r.files {
		if info, err := os.Stat(name); err == nil {
			now[i] = info
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen != nil && slices.EqualFunc(r.seen, now, unchanged) {
		return r.result()
	}
	first := r.seen == nil
	r.seen = now // as they were before they are read: a change meanwhile shows the next time
	value, err := r.read()
	switch {
	case err == nil:
		r.value, r.good = value, true
		if !first {
			r.log.Info("changed file taken over", "key", r.key, "file", strings.Join(r.files, ", "))
		}
	case r.good:
		r.log.Error("changed file not taken over, the one before stays in use", "key", r.key, "error", err)
	}
	r.err = err
	return r.result()
}

// result gives the last good value, or why there is none.
func (r *rotating[T]) result() (T, error) {
	if r.good {
		return r.value, nil
	}
	return r.value, r.err
}

// unchanged reports whether two looks at a file saw the same.
func unchanged(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
