package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// fileMode is the mode of a new audit file: it names people and what they do.
const fileMode fs.FileMode = 0o600

// sink is where lines go: a file that can be opened again, or somebody's writer.
type sink struct {
	path string // empty without a file

	mu   sync.Mutex
	file *os.File
	out  io.Writer
	torn bool // the last line has no end
}

// newSink opens the file, or takes the writer where there is no path.
func newSink(path string, out io.Writer) (*sink, error) {
	if path == "" {
		return &sink{out: out}, nil
	}
	s := &sink{path: path}
	file, torn, err := openFile(s.path)
	if err != nil {
		return nil, err
	}
	s.file, s.out, s.torn = file, file, torn
	return s, nil
}

// openFile opens a file for appending and tells whether its last line has no end, as after a crash.
func openFile(path string) (file *os.File, torn bool, err error) {
	file, err = os.OpenFile(filepath.Clean(path), os.O_APPEND|os.O_CREATE|os.O_WRONLY, fileMode)
	if err != nil {
		return nil, false, fmt.Errorf("open the audit file: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, false, errors.Join(fmt.Errorf("open the audit file: %w", err), file.Close())
	}
	return file, info.Mode().IsRegular() && info.Size() > 0 && !endsLine(path, info.Size()), nil
}

// endsLine reports whether the last byte of a file ends a line. A file that we may write and not read is
// taken as whole.
func endsLine(path string, size int64) bool {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return true
	}
	defer func() { _ = f.Close() }()
	last := make([]byte, 1)
	_, err = f.ReadAt(last, size-1)
	return err != nil || last[0] == '\n'
}

// write writes whole lines. After a write that broke off inside a line it starts on a new one.
func (s *sink) write(lines []byte) error {
	if len(lines) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.torn {
		if _, err := s.out.Write([]byte{'\n'}); err != nil {
			return fmt.Errorf("write the audit record: %w", err)
		}
		s.torn = false
	}
	n, err := s.out.Write(lines)
	if err == nil && n < len(lines) {
		err = io.ErrShortWrite
	}
	if err != nil {
		s.torn = n > 0 && n <= len(lines) && lines[n-1] != '\n'
		return fmt.Errorf("write the audit record: %w", err)
	}
	return nil
}

// reopen replaces the file by the one that has its name now.
func (s *sink) reopen() error {
	if s.path == "" {
		return nil
	}
	file, torn, err := openFile(s.path)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return file.Close() // closed meanwhile
	}
	old := s.file
	s.file, s.out, s.torn = file, file, torn
	if err := old.Close(); err != nil {
		return fmt.Errorf("close the old audit file: %w", err)
	}
	return nil
}

// close closes the file; closing again does nothing.
func (s *sink) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	file := s.file
	s.file = nil
	var syncErr error
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		syncErr = file.Sync()
	}
	if err := errors.Join(syncErr, file.Close()); err != nil {
		return fmt.Errorf("close the audit file: %w", err)
	}
	return nil
}
