package refresh

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// flushEvery is how often last uses are written down: what is lost with a process is less than that.
	flushEvery = 5 * time.Minute
	// maxUses bounds how many tokens have a last use; what is beyond counts as unused since it was made.
	maxUses = 1 << 20
)

// uses remembers the hour in which a token was last used. It is safe for concurrent use.
type uses struct {
	path string

	mu    sync.Mutex
	hours map[id]uint32 // hours since 1970
	dirty bool
	wrote time.Time
}

func newUses(path string) *uses { return &uses{path: path, hours: make(map[id]uint32)} }

// hourOf gives the hour of a time.
func hourOf(t time.Time) uint32 { return uint32(t.Unix() / int64(time.Hour/time.Second)) }

// note remembers a use.
func (u *uses) note(token id, now time.Time) {
	hour := hourOf(now)
	u.mu.Lock()
	defer u.mu.Unlock()
	known, ok := u.hours[token]
	if known >= hour || !ok && len(u.hours) >= maxUses {
		return
	}
	u.hours[token], u.dirty = hour, true
}

// last gives the end of the hour in which a token was last used, or made.
func (u *uses) last(token id, issued time.Time) time.Time {
	u.mu.Lock()
	hour := max(u.hours[token], hourOf(issued))
	u.mu.Unlock()
	return time.Unix(int64(hour+1)*int64(time.Hour/time.Second), 0)
}

// due reports whether it is time to write.
func (u *uses) due(now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.dirty && now.Sub(u.wrote) >= flushEvery
}

// read learns what the file says.
func (u *uses) read() error {
	f, err := os.Open(u.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the last uses of refresh tokens: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	u.mu.Lock()
	defer u.mu.Unlock()
	lines := bufio.NewScanner(io.LimitReader(f, maxJournal))
	for lines.Scan() {
		token, hour, ok := parseUse(lines.Text())
		if !ok {
			return fmt.Errorf("read the last uses of refresh tokens: %s: %w", u.path, ErrDamaged)
		}
		if len(u.hours) < maxUses {
			u.hours[token] = max(u.hours[token], hour)
		}
	}
	return lines.Err()
}

// parseUse reads a line: a token's id and an hour.
func parseUse(line string) (token id, hour uint32, ok bool) {
	name, number, _ := strings.Cut(line, " ")
	b, err := hex.DecodeString(name)
	n, errNumber := strconv.ParseUint(number, 10, 32)
	if err != nil || errNumber != nil || len(b) != idSize {
		return id{}, 0, false
	}
	return id(b), uint32(n), true
}

// write replaces the file, if there is something new. What another process has written is kept. The caller holds the
// lock of the store.
func (u *uses) write(now time.Time) error {
	u.mu.Lock()
	dirty := u.dirty
	u.dirty, u.wrote = false, now
	u.mu.Unlock()
	if !dirty {
		return nil
	}
	_ = u.read() // a file that cannot be read is replaced
	oldest := hourOf(now.Add(-MaxLifetime))
	var b strings.Builder
	u.mu.Lock()
	for token, hour := range u.hours {
		if hour < oldest {
			delete(u.hours, token)
			continue
		}
		b.WriteString(token.String())
		b.WriteByte(' ')
		b.WriteString(strconv.FormatUint(uint64(hour), 10))
		b.WriteByte('\n')
	}
	u.mu.Unlock()
	if err := replaceFile(u.path, []byte(b.String())); err != nil {
		u.mu.Lock()
		u.dirty = true
		u.mu.Unlock()
		return fmt.Errorf("write the last uses of refresh tokens: %w", err)
	}
	return nil
}
