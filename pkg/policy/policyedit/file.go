package policyedit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

var (
	// ErrChanged means that the file is not what it was when it was read. Read it again and start over.
	ErrChanged = errors.New("the file has changed meanwhile")
	// ErrLinked means that the file is a symbolic link. It belongs to whoever made it, such as Kubernetes with
	// a ConfigMap: what is written in its place would be lost, or never be seen.
	ErrLinked = errors.New("the file is a symbolic link")
)

// maxFile is the greatest size of a file that is read.
const maxFile = 16 << 20

// File is a policy file as it was when it was read. It is used by one goroutine.
type File struct {
	path string
	data []byte
}

// Open reads a file that [File.Write] can replace. It locks nothing.
func Open(path string) (*File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, unread(path, err)
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s: %w, to %s: change it where it comes from, such as the ConfigMap, or name the file itself", path, ErrLinked, target)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	data, err := readAll(path)
	if err != nil {
		return nil, err
	}
	return &File{path: path, data: data}, nil
}

// unread says that a file cannot be read, without the name of the system call.
func unread(path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s: cannot be read: %w", path, err)
}

// readAll reads a file of a bounded size.
func readAll(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unread(path, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s: more than %d MiB", path, maxFile>>20)
	}
	return data, err
}

// Data is the file's content. It must not be changed.
func (f *File) Data() []byte { return f.data }

// Path is the file's name.
func (f *File) Path() string { return f.path }

// Backup is where [File.Write] keeps the version before.
func (f *File) Backup() string { return f.path + ".1" }

// Write replaces the file at once, with its mode and owner, and keeps what it was in [File.Backup]. Where somebody
// else wrote it since [Open], it does nothing and gives [ErrChanged].
func (f *File) Write(data []byte) error {
	unlock, err := lock(filepath.Dir(f.path))
	if err != nil {
		return fmt.Errorf("lock the folder of %s: %w", f.path, err)
	}
	defer unlock()
	info, err := os.Lstat(f.path)
	if err != nil {
		return err
	}
	now, err := readAll(f.path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || !bytes.Equal(now, f.data) {
		return fmt.Errorf("%s: %w", f.path, ErrChanged)
	}
	if err := replace(f.Backup(), f.data, info); err != nil {
		return fmt.Errorf("keep the version before: %w", err)
	}
	if err := replace(f.path, data, info); err != nil {
		return err
	}
	f.data = data
	return nil
}

// replace writes a file beside the one that it becomes, and renames it. It gets mode and owner of like.
func replace(path string, data []byte, like fs.FileInfo) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	if err := fill(temp, data, like); err != nil {
		return errors.Join(err, temp.Close(), os.Remove(temp.Name()))
	}
	if err := errors.Join(temp.Close(), os.Rename(temp.Name(), path)); err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return syncFolder(filepath.Dir(path))
}

// fill writes a file to the disk.
func fill(f *os.File, data []byte, like fs.FileInfo) error {
	if err := sameOwner(f, like); err != nil {
		return fmt.Errorf("give it the owner that it had: %w", err)
	}
	if err := f.Chmod(like.Mode().Perm()); err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// syncFolder makes a rename last.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
