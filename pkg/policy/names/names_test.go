package names_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/policy/names"
)

// told gathers what an Observer hears.
type told struct {
	moved   chan names.Owner
	changed chan struct{}
	failed  chan error
}

// listen gives options whose Observer is heard.
func listen(path string) (names.Options, *told) {
	heard := &told{moved: make(chan names.Owner, 10_000), changed: make(chan struct{}, 10_000), failed: make(chan error, 100)}
	return names.Options{
		Path: path, Look: 10 * time.Millisecond,
		Now: func() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) },
		Observer: names.Observer{
			Moved:   func(o names.Owner) { heard.moved <- o },
			Changed: func() { heard.changed <- struct{}{} },
			Failed:  func(err error) { heard.failed <- err },
		},
	}, heard
}

// run runs a memory; stop ends it when everything is written.
func run(t *testing.T, o names.Options) (m *names.Memory, stop func()) {
	t.Helper()
	m = names.Open(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	return m, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// soon waits for something.
func soon[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(10 * time.Second):
		t.Fatal("nothing happened")
	}
	var never T
	return never
}

// eve is seen with an id.
func eve(id string) names.Sighting {
	return names.Sighting{Directory: "corp", Name: "Eve", ID: id, Named: true}
}

func TestANameThatMovedIsTold(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "names")
	o, heard := listen(path)
	m, stop := run(t, o)
	m.Note(eve("ID-1"))
	m.Note(names.Sighting{Directory: "partner", Name: "eve", ID: "id-9"})
	m.Note(eve("id-1")) // nothing new
	stop()
	if len(heard.moved) > 0 || len(m.Moved()) > 0 {
		t.Fatalf("moved without a move: %v", m.Moved())
	}

	m, stop = run(t, o) // a restart forgets nothing
	m.Note(eve("id-2"))
	got := soon(t, heard.moved)
	stop()
	if got.Directory != "corp" || got.Name != "eve" || got.ID != "id-1" || got.Now != "id-2" || got.NowSince.IsZero() {
		t.Errorf("moved: %+v", got)
	}
	if all := m.Moved(); len(all) != 1 || all[0] != got {
		t.Errorf("Moved() = %+v", all)
	}
	if other, ok := m.Find("partner", "EVE"); !ok || other.HasMoved() {
		t.Errorf("the name of another directory: %+v, %v", other, ok)
	}

	m, stop = run(t, o) // told once, and remembered
	m.Note(eve("id-2"))
	stop()
	if len(heard.moved) != 0 || len(m.Moved()) != 1 {
		t.Errorf("told %d times more, %v", len(heard.moved), m.Moved())
	}

	m, stop = run(t, o) // back to its first owner
	m.Note(eve("id-1"))
	stop()
	if len(m.Moved()) != 0 {
		t.Errorf("still moved: %v", m.Moved())
	}
}

func TestAcceptEndsIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "names")
	o, heard := listen(path)
	m, stop := run(t, o)
	defer stop()
	m.Note(eve("id-1"))
	m.Note(eve("id-2"))
	moved := soon(t, heard.moved)
	if err := names.Accept(path, moved, time.Now()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); len(m.Moved()) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("not taken: %v", m.Moved())
		}
		soon(t, heard.changed)
	}
	all, err := names.Read(path)
	if err != nil || len(all) != 1 || all[0].ID != "id-2" || all[0].HasMoved() {
		t.Errorf("Read = %+v, %v", all, err)
	}
	m.Note(eve("id-3"))
	if again := soon(t, heard.moved); again.ID != "id-2" || again.Now != "id-3" {
		t.Errorf("the next move: %+v", again)
	}
}

// TestReadKnowsWhatWasAccepted also where no gate runs.
func TestReadKnowsWhatWasAccepted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "names")
	if all, err := names.Read(path); err != nil || len(all) != 0 {
		t.Errorf("Read of nothing = %v, %v", all, err)
	}
	o, _ := listen(path)
	m, stop := run(t, o)
	m.Note(eve("id-1"))
	m.Note(eve("id-2"))
	stop()
	all, err := names.Read(path)
	if err != nil || len(all) != 1 || !all[0].HasMoved() {
		t.Fatalf("Read = %v, %v", all, err)
	}
	if err := names.Accept(path, all[0], time.Now()); err != nil {
		t.Fatal(err)
	}
	if all, err = names.Read(path); err != nil || len(all) != 1 || all[0].HasMoved() {
		t.Errorf("Read = %v, %v", all, err)
	}
}

// TestACrashLosesNoMoreThanTheLastLine: a line that was cut off anywhere is dropped, and the rest stays.
func TestACrashLosesNoMoreThanTheLastLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "names")
	o, heard := listen(path)
	m, stop := run(t, o)
	for i := range 3 {
		m.Note(names.Sighting{Directory: "corp", Name: fmt.Sprintf("user%d", i), ID: "id"})
	}
	stop()
	whole, err := os.ReadFile(path)
	if err != nil || strings.Count(string(whole), "\n") != 3 {
		t.Fatalf("%q, %v", whole, err)
	}
	for cut := range whole {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		m, stop := run(t, o)
		m.Note(names.Sighting{Directory: "corp", Name: "later", ID: "id"})
		stop()
		all, err := names.Read(path)
		if want := strings.Count(string(whole[:cut]), "\n") + 1; err != nil || len(all) != want {
			t.Fatalf("cut at %d: %d names, want %d (%v)", cut, len(all), want, err)
		}
	}
	if len(heard.failed) > 0 {
		t.Errorf("failed: %v", <-heard.failed)
	}
}

func TestForeignLinesAreToldAndLeftOut(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "names")
	text := "nonsense\n" + `{"directory":"corp","name":"eve","id":"id-1","since":"2026-01-01T00:00:00Z"}` + "\n{}\n" + strings.Repeat("x", 100_000) + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o, heard := listen(path)
	m, stop := run(t, o)
	if err := soon(t, heard.failed); !strings.Contains(err.Error(), "lines") {
		t.Errorf("failed: %v", err)
	}
	m.Note(eve("id-2"))
	if got := soon(t, heard.moved); got.ID != "id-1" {
		t.Errorf("moved: %+v", got)
	}
	stop()
	if data, err := os.ReadFile(path); err != nil || strings.Contains(string(data), "nonsense") {
		t.Errorf("written anew: %q, %v", data, err)
	}
}

// TestAFolderThatIsMissing is told once, and made up for.
func TestAFolderThatIsMissing(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(folder, "names")
	o, heard := listen(path)
	m, stop := run(t, o)
	m.Note(eve("id-1"))
	if err := soon(t, heard.failed); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("failed: %v", err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if all, err := names.Read(path); err == nil && len(all) == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("never written")
		}
		m.Note(names.Sighting{Directory: "corp", Name: "bob", ID: "id-1"})
		time.Sleep(time.Millisecond) // a look at a file of another goroutine has nothing to wait on
		if all, err := names.Read(path); err == nil && len(all) == 2 {
			break
		}
	}
	stop()
	if len(heard.failed) > 0 {
		t.Errorf("told again: %v", <-heard.failed)
	}
}

// TestManyNames: the memory stays within its limit, names that rules have stay, and the file does not grow for ever.
func TestManyNames(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "names")
	o, heard := listen(path)
	o.Limit = 500
	m, stop := run(t, o)
	m.Note(eve("id-1"))
	for i := range 4000 {
		m.Note(names.Sighting{Directory: "corp", Name: fmt.Sprintf("user%d", i), ID: "id"})
		if i%200 == 0 {
			soon(t, heard.changed) // so that the queue does not overflow all the time
		}
	}
	stop()
	if _, ok := m.Find("corp", "eve"); !ok {
		t.Error("a name that a rule has was dropped")
	}
	all, err := names.Read(path)
	if err != nil || len(all) < 100 || len(all) > 500 {
		t.Errorf("%d names are remembered, %v", len(all), err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 300<<10 || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestNoteFromManySides(t *testing.T) {
	t.Parallel()
	o, _ := listen(filepath.Join(t.TempDir(), "names"))
	m, stop := run(t, o)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 500 {
				m.Note(names.Sighting{Directory: "corp", Name: fmt.Sprintf("user%d", j%50), ID: fmt.Sprintf("id%d", (i+j)%3)})
				m.Moved()
			}
		})
	}
	all.Wait()
	stop()
	if len(m.Moved()) == 0 {
		t.Error("nobody moved")
	}
}

// TestNoteRefuses what would not fit into a line, and what says nothing.
func TestNoteRefuses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "names")
	o, _ := listen(path)
	m, stop := run(t, o)
	long := strings.Repeat("x", 2000)
	for _, s := range []names.Sighting{{Name: "eve"}, {ID: "1"}, {Name: long, ID: "1"}, {Name: "eve", ID: long}} {
		m.Note(s)
	}
	stop()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was written: %v", err)
	}
}

// FuzzRead: whatever the file holds, what is read of it has a name and an id, and reading it again gives the same.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"directory":"corp","name":"eve","id":"1","now":"2"}` + "\n"))
	f.Add([]byte("{}\n\n{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "names")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		all, _ := names.Read(path) // lines that are not understood are told, and the others are taken
		for _, o := range all {
			if o.Name == "" || o.ID == "" {
				t.Fatalf("%+v", o)
			}
		}
		o, _ := listen(path)
		m, stop := run(t, o)
		m.Note(eve("id"))
		stop()
		if again, err := names.Read(path); err != nil || len(again) < len(all) {
			t.Fatalf("%d names, then %d, %v", len(all), len(again), err)
		}
	})
}

// BenchmarkNote notes somebody who is known, as nearly every login does.
func BenchmarkNote(b *testing.B) {
	m := names.Open(names.Options{Path: filepath.Join(b.TempDir(), "names")})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	s := names.Sighting{Directory: "corp", Name: "eve", ID: "0c9ee4ba-7a1d-4a6e-a3f1-3f5d3b0e7a11"}
	m.Note(s)
	b.ReportAllocs()
	for b.Loop() {
		m.Note(s)
	}
	cancel()
	<-done
}
