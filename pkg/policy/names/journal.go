package names

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// The bounds of the file.
const (
	// maxFile is how much of the file is read.
	maxFile = 64 << 20
	// maxLine bounds one line.
	maxLine = 8 << 10
	// slack is how many lines that say nothing new any more the file may have beside those that do.
	slack = 1000
)

// line is one line of the file: what is known of a name, in the place of earlier lines about it.
type line struct {
	Directory string     `json:"directory"`
	Name      string     `json:"name"`
	ID        string     `json:"id"`
	Since     time.Time  `json:"since"`
	Now       string     `json:"now,omitempty"`
	NowSince  *time.Time `json:"now_since,omitempty"`
}

// journal is the file. It is used by one goroutine.
type journal struct {
	path   string
	lines  int   // how many it has
	rotten bool  // it is to be written anew before something is appended
	damage error // what was wrong with it when it was read
	broken bool  // the last attempt to write failed
}

// read gives what the file says.
func (j *journal) read() map[key]*record {
	owners := map[key]*record{}
	f, err := os.Open(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return owners
	}
	if err != nil {
		j.damage = fmt.Errorf("read the login names: %w", err)
		return owners
	}
	defer func() { _ = f.Close() }() // it was only read
	bad, cut, err := scan(f, func(text []byte) bool {
		var l line
		if json.Unmarshal(text, &l) != nil || l.Name == "" || l.ID == "" {
			return false
		}
		o := Owner{Directory: l.Directory, Name: l.Name, ID: l.ID, Since: l.Since, Now: l.Now}
		if l.NowSince != nil {
			o.NowSince = *l.NowSince
		}
		owners[key{l.Directory, l.Name}] = &record{Owner: o}
		j.lines++
		return true
	})
	j.rotten = bad > 0 || cut || err != nil
	if bad > 0 || err != nil {
		j.damage = errors.Join(err, fmt.Errorf("read the login names: %d lines of %s are not understood and left out", bad, j.path))
	}
	return owners
}

// scan hands out each whole line, and counts those that are not taken. A last line without its end is cut off: it was
// not written to its end, and may be just now.
func scan(r io.Reader, take func(text []byte) bool) (bad int, cut bool, err error) {
	in := bufio.NewReaderSize(io.LimitReader(r, maxFile), maxLine)
	for {
		text, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(text) == 0:
			return bad, false, nil
		case errors.Is(err, io.EOF):
			return bad, true, nil
		case errors.Is(err, bufio.ErrBufferFull): // longer than any that was written
			bad++
		case err != nil:
			return bad, false, err
		case !take(bytes.TrimSpace(text)):
			bad++
		}
	}
}

// encode writes a line.
func encode(o *Owner) []byte {
	l := line{Directory: o.Directory, Name: o.Name, ID: o.ID, Since: o.Since, Now: o.Now}
	if o.HasMoved() {
		l.NowSince = &o.NowSince
	}
	text, err := json.Marshal(l)
	if err != nil {
		return nil // a struct of texts and times of our own always has a form
	}
	return append(text, '\n')
}

// write appends lines, or writes the whole file anew where that is due.
func (m *Memory) write(lines []Owner, anew bool) {
	j := &m.file
	j.rotten = j.rotten || anew
	err := m.store(lines)
	if err != nil {
		j.rotten = true // what is missing is written with everything else
	}
	if err != nil && !j.broken {
		m.failed(fmt.Errorf("write the login names: %w", err))
	}
	j.broken = err != nil
}

// store brings lines to the disk.
func (m *Memory) store(lines []Owner) error {
	j := &m.file
	if !j.rotten && j.lines+len(lines) <= 2*len(m.owners)+slack { // only Run changes owners
		j.lines += len(lines)
		return appendFile(j.path, encodeAll(lines), 0o600)
	}
	all := m.all()
	if err := replaceFile(j.path, encodeAll(all)); err != nil {
		return err
	}
	j.lines, j.rotten = len(all), false
	return nil
}

// all lists every owner.
func (m *Memory) all() []Owner {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := make([]Owner, 0, len(m.owners))
	for _, r := range m.owners {
		all = append(all, r.Owner)
	}
	slices.SortFunc(all, byName)
	return all
}

// encodeAll writes lines one after the other.
func encodeAll(owners []Owner) []byte {
	var text []byte
	for i := range owners {
		text = append(text, encode(&owners[i])...)
	}
	return text
}

// appendFile adds text to a file, and waits until it is on the disk.
func appendFile(path string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// replaceFile writes a file beside the one that it becomes, and renames it.
func replaceFile(path string, text []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = temp.Write(text)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
