package refresh

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	// maxJournal bounds how much of the file is read.
	maxJournal = 256 << 20
	// slack is how many lines that say nothing new any more the file may have beside those that do.
	slack = 256

	ownerOnly fs.FileMode = 0o600
	others    fs.FileMode = 0o077
)

// ErrDamaged means that a file of the store says something that was never written so, or that others may read it.
var ErrDamaged = errors.New("the store of refresh tokens is damaged")

// entry is one line of the file.
type entry struct {
	Key     *keyRecord  `json:"key,omitempty"`
	Revoked *revocation `json:"revoked,omitempty"`
}

// revocation is one revocation in the file. Without a directory and an id it is one of all accounts.
type revocation struct {
	Directory string    `json:"directory,omitempty"`
	ID        string    `json:"id,omitempty"`
	Before    time.Time `json:"before"`
	At        time.Time `json:"at"`
	Why       string    `json:"why,omitempty"`
}

// readJournal gives the lines of the file, the length of those that are whole, and what the file was. A last line
// without its end is left out: whoever wrote it was cut off, and has told nobody that it was written.
func readJournal(path string) (entries []entry, whole int64, info fs.FileInfo, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	if info, err = f.Stat(); err != nil {
		return nil, 0, nil, err
	}
	if mode := info.Mode().Perm(); mode&others != 0 {
		return nil, 0, nil, fmt.Errorf("%w: others can read or write %s (mode %04o); run: chmod 600 %s, and wharfgate tokens revoke --all", ErrDamaged, path, mode, path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxJournal+1))
	if err != nil {
		return nil, 0, nil, err
	}
	if len(data) > maxJournal {
		return nil, 0, nil, fmt.Errorf("%w: %s is larger than %d bytes", ErrDamaged, path, maxJournal)
	}
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	n := 0
	for line := range bytes.Lines(data) {
		n++
		e, err := parseEntry(line)
		if err != nil {
			return nil, 0, nil, fmt.Errorf("%w: line %d of %s is not understood; put the file back from a backup, or delete it: then every refresh token has ended", ErrDamaged, n, path)
		}
		entries = append(entries, e)
	}
	return entries, int64(len(data)), info, nil
}

// parseEntry reads one line.
func parseEntry(line []byte) (entry, error) {
	var e entry
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return entry{}, err
	}
	if (e.Key == nil) == (e.Revoked == nil) || e.Revoked != nil && e.Revoked.Before.IsZero() {
		return entry{}, errContent
	}
	return e, nil
}

// encodeEntries writes lines.
func encodeEntries(entries []entry) ([]byte, error) {
	var b bytes.Buffer
	j := json.NewEncoder(&b)
	j.SetEscapeHTML(false)
	for _, e := range entries {
		if err := j.Encode(e); err != nil {
			return nil, fmt.Errorf("encode: %w", err)
		}
	}
	return b.Bytes(), nil
}

// appendJournal writes lines behind the whole ones, and returns when they are on the disk.
func appendJournal(path string, whole int64, lines []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, ownerOnly)
	if err != nil {
		return err
	}
	err = f.Truncate(whole)
	if err == nil {
		_, err = f.WriteAt(lines, whole)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// replaceFile writes a file under another name, and gives it its own once it is on the disk.
func replaceFile(path string, data []byte) error {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // it is not there any more where all went well
	handOver(f, folder)
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(ownerOnly), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return errors.Join(err, syncFolder(folder))
}

// syncFolder brings the names in a folder to the disk.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
