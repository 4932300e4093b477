package names

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"
)

// maxAccepted bounds what is remembered of names that were accepted.
const maxAccepted = 100_000

// accepted is one line of the second file: the name may be followed to this account.
type accepted struct {
	Directory string    `json:"directory"`
	Name      string    `json:"name"`
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
}

// acceptedPath is the file of what was accepted.
func acceptedPath(path string) string { return path + ".accepted" }

// Accept says that a name may be followed to the account that has it by now. A running gate takes it within seconds.
// It is safe for concurrent use, also by several processes.
func Accept(path string, o Owner, at time.Time) error {
	text, err := json.Marshal(accepted{Directory: o.Directory, Name: o.Name, ID: o.current(), At: at.UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	const readable fs.FileMode = 0o644 // by the gate, whoever accepts
	if err := appendFile(acceptedPath(path), append(text, '\n'), readable); err != nil {
		return fmt.Errorf("accept %s: %w", o.Name, err)
	}
	return nil
}

// readAccepted gives, by name, the ids that were accepted.
func readAccepted(path string) (map[key]map[string]bool, error) {
	all := map[key]map[string]bool{}
	f, err := os.Open(acceptedPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return all, err
	}
	defer func() { _ = f.Close() }() // it was only read
	_, _, err = scan(f, func(text []byte) bool {
		var a accepted
		if json.Unmarshal(text, &a) != nil || len(all) >= maxAccepted {
			return false
		}
		k := key{a.Directory, a.Name}
		if all[k] == nil {
			all[k] = map[string]bool{}
		}
		all[k][a.ID] = true
		return true
	})
	return all, err
}

// accept gives the name to the account that has it by now.
func (r *record) accept() {
	r.ID, r.Since = r.Now, r.NowSince
	r.Now, r.NowSince = "", time.Time{}
}

// look takes what was accepted since.
func (m *Memory) look() {
	all, err := readAccepted(m.o.Path)
	if err != nil && !m.blind {
		m.failed(fmt.Errorf("read what was accepted of login names: %w", err))
	}
	m.blind = err != nil
	var lines []Owner
	m.mu.Lock()
	for k, ids := range all {
		if r := m.owners[k]; r != nil && r.HasMoved() && ids[r.Now] {
			r.accept()
			lines = append(lines, r.Owner)
		}
	}
	m.mu.Unlock()
	if len(lines) > 0 || m.file.broken {
		m.write(lines, false)
	}
	if len(lines) > 0 {
		m.changed()
	}
}

// Read gives every owner that a file remembers, by directory and name, with what was accepted. A file that is missing
// remembers nobody. It is for commands; a running gate may write the file meanwhile.
func Read(path string) ([]Owner, error) {
	j := journal{path: path}
	owners := j.read()
	ids, err := readAccepted(path)
	if err = errors.Join(j.damage, err); err != nil {
		return nil, err
	}
	for k, r := range owners {
		if r.HasMoved() && ids[k][r.Now] {
			r.accept()
		}
	}
	all := make([]Owner, 0, len(owners))
	for _, r := range slices.Collect(maps.Values(owners)) {
		all = append(all, r.Owner)
	}
	slices.SortFunc(all, byName)
	return all, nil
}
