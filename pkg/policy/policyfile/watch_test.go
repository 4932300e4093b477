package policyfile_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

// grants is a policy that gives pull on one folder.
func grants(folder string) string {
	return "version: 1\nrules:\n- who: anyone\n  can: pull\n  repos: " + folder + "/**\n"
}

// watched is a Watcher with what it told.
type watched struct {
	*policyfile.Watcher

	path     string
	live     *policy.Live
	loaded   chan policyfile.Loaded
	failed   chan error
	vanished chan string
	end      func()
}

// watch runs a Watcher on a file with a text until the test ends. Notices of the file system are all that it
// gets: it never polls.
func watch(t *testing.T, text string, edit func(*policyfile.WatcherOptions)) *watched {
	t.Helper()
	w := &watched{
		path: filepath.Join(t.TempDir(), "policy.yaml"), live: policy.NewLive(nil),
		loaded: make(chan policyfile.Loaded, 100), failed: make(chan error, 100), vanished: make(chan string, 100),
	}
	write(t, w.path, text)
	o := policyfile.WatcherOptions{
		Path: w.path, Options: options(), Live: w.live, Quiet: time.Millisecond, Poll: time.Hour, Retry: time.Millisecond,
		Observer: policyfile.Observer{
			Loaded:   func(l policyfile.Loaded) { w.loaded <- l },
			Failed:   func(err error) { w.failed <- err },
			Vanished: func(_, group string) { w.vanished <- group },
			Blind:    func(err error) { t.Errorf("blind: %v", err) },
		},
	}
	if edit != nil {
		edit(&o)
		w.path = o.Path
	}
	var err error
	if w.Watcher, err = policyfile.NewWatcher(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	w.end = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		done <- nil
	}
	if err := w.Reload(ctx); err != nil {
		t.Fatalf("first load: %v", err)
	}
	next(t, w.loaded)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(w.end)
	return w
}

// write writes a file in place.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// next waits for what is told next.
func next[T any](t *testing.T, told <-chan T) T {
	t.Helper()
	select {
	case v := <-told:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was told")
	}
	var none T
	return none
}

// until waits until a revision is in force.
func (w *watched) until(t *testing.T, text string) {
	t.Helper()
	for next(t, w.loaded).Revision != policyfile.Revision([]byte(text)) {
		continue // a state in between, such as the file before its last write
	}
	if got, want := w.live.Load().Revision(), policyfile.Revision([]byte(text)); got != want {
		t.Errorf("revision %s is in force, want %s", got, want)
	}
}

func TestWatcherTakesChanges(t *testing.T) {
	t.Parallel()
	changes := map[string]func(t *testing.T, path, text string){
		"written in place": write,
		"renamed over it": func(t *testing.T, path, text string) {
			t.Helper()
			write(t, path+".new", text)
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		},
		"removed and made anew": func(t *testing.T, path, text string) {
			t.Helper()
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			write(t, path, text)
		},
		"moved away and made anew": func(t *testing.T, path, text string) {
			t.Helper()
			if err := os.Rename(path, path+"~"); err != nil {
				t.Fatal(err)
			}
			write(t, path, text)
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, grants("a"), nil)
			for _, folder := range []string{"b", "c", "a"} {
				change(t, w.path, grants(folder))
				w.until(t, grants(folder))
				if err := w.LastError(); err != nil {
					t.Errorf("LastError() = %v", err)
				}
			}
		})
	}
}

// TestWatcherFollowsLinks: a ConfigMap is a link to a file below a linked directory, which is swapped.
func TestWatcherFollowsLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	version := func(name, text string) {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name, "policy.yaml"), text)
	}
	swap := func(name string) {
		if err := errors.Join(
			os.Symlink(name, filepath.Join(dir, "..tmp")),
			os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")),
		); err != nil {
			t.Fatal(err)
		}
	}
	version("..1", grants("a"))
	swap("..1")
	if err := os.Symlink(filepath.Join("..data", "policy.yaml"), filepath.Join(dir, "policy.yaml")); err != nil {
		t.Fatal(err)
	}
	w := watch(t, "", func(o *policyfile.WatcherOptions) { o.Path = filepath.Join(dir, "policy.yaml") })
	version("..2", grants("b"))
	swap("..2")
	w.until(t, grants("b"))
	write(t, filepath.Join(dir, "..2", "policy.yaml"), grants("c"))
	w.until(t, grants("c"))
	version("..3", grants("d"))
	swap("..3")
	w.until(t, grants("d"))
}

func TestWatcherKeepsTheGoodPolicy(t *testing.T) {
	t.Parallel()
	bad := map[string]func(t *testing.T, path string){
		"faults": func(t *testing.T, path string) { t.Helper(); write(t, path, "version: 1\nrules:\n- who: x\n") },
		"empty":  func(t *testing.T, path string) { t.Helper(); write(t, path, "") },
		"half":   func(t *testing.T, path string) { t.Helper(); write(t, path, grants("b")[:40]) },
		"too large": func(t *testing.T, path string) {
			t.Helper()
			write(t, path, strings.Repeat("#", policyfile.MaxBytes+1))
		},
		"gone":        func(t *testing.T, path string) { t.Helper(); must(t, os.Remove(path)) },
		"a directory": func(t *testing.T, path string) { t.Helper(); must(t, os.Remove(path), os.Mkdir(path, 0o700)) },
	}
	for name, spoil := range bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, grants("a"), nil)
			before := w.live.Load()
			spoil(t, w.path)
			told := next(t, w.failed)
			faults, ok := errors.AsType[policyfile.Faults](told)
			if !ok || len(faults) == 0 || faults[0].Remedy == "" {
				t.Errorf("told %v, want faults with a remedy", told)
			}
			if w.live.Load() != before || w.LastError() == nil {
				t.Errorf("the policy was replaced, or LastError() = %v", w.LastError())
			}
			if err := w.Reload(t.Context()); err == nil {
				t.Error("Reload takes it")
			}
			must(t, os.RemoveAll(w.path))
			write(t, w.path, grants("a"))
			w.until(t, grants("a"))
			if err := w.LastError(); err != nil {
				t.Errorf("LastError() = %v after the file was mended", err)
			}
		})
	}
}

// must fails the test on an error.
func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// TestWatcherPolls: where no notice comes, such as from a network file system, looking does.
func TestWatcherPolls(t *testing.T) {
	t.Parallel()
	elsewhere := t.TempDir()
	link := filepath.Join(elsewhere, "link")
	must(t, os.Symlink(t.TempDir(), link))
	write(t, filepath.Join(link, "policy.yaml"), grants("a"))
	w := watch(t, "", func(o *policyfile.WatcherOptions) {
		o.Path, o.Poll = filepath.Join(link, "policy.yaml"), time.Millisecond
	})
	next2 := filepath.Join(elsewhere, "next")
	must(t, os.Mkdir(next2, 0o700))
	write(t, filepath.Join(next2, "policy.yaml"), grants("b"))
	must(t, os.Remove(link), os.Symlink(next2, link)) // nothing happens in a directory that is watched
	w.until(t, grants("b"))
}

func TestReloadAlwaysLoads(t *testing.T) {
	t.Parallel()
	w := watch(t, grants("a"), nil)
	before := w.live.Load()
	if err := w.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.until(t, grants("a"))
	if w.live.Load() == before {
		t.Error("Reload did not load anew")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Reload(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Reload of a canceled context: %v", err)
	}
}

func TestNewWatcherRefuses(t *testing.T) {
	t.Parallel()
	for _, o := range []policyfile.WatcherOptions{{}, {Path: "x"}, {Live: policy.NewLive(nil)}} {
		if _, err := policyfile.NewWatcher(o); !errors.Is(err, policyfile.ErrInvalidOptions) {
			t.Errorf("NewWatcher(%+v) = %v, want ErrInvalidOptions", o, err)
		}
	}
}

// blocked is a policy whose cannot names a group.
const blocked = "version: 1\nrules:\n- {who: signed-in, can: push, repos: '**'}\n- {who: group:contractors, cannot: push, repos: '**'}\n"

// directory answers for one group, as a test sets it.
type directory struct {
	answer atomic.Pointer[func() ([]identity.Group, error)]
}

func (d *directory) set(f func() ([]identity.Group, error)) { d.answer.Store(&f) }

func (d *directory) find(context.Context, string, string) ([]identity.Group, error) {
	return (*d.answer.Load())()
}

// TestCannotIsClosedUntilTheGroupIsKnown: a directory that is away never opens a cannot.
func TestCannotIsClosedUntilTheGroupIsKnown(t *testing.T) {
	t.Parallel()
	group := identity.NewGroup("id-1", "cn=contractors,ou=groups,dc=corp,dc=example", "contractors")
	var d directory
	d.set(func() ([]identity.Group, error) { return nil, identity.ErrUnavailable })
	w := watch(t, blocked, func(o *policyfile.WatcherOptions) { o.Options.FindGroup = d.find })
	push := ask(person("alice"), "push a/b")
	if w.Unresolved() != 1 || w.live.Load().Decide(push).Granted != 0 {
		t.Errorf("%d groups are open, granted %q; want 1 and nothing", w.Unresolved(), w.live.Load().Decide(push).Granted)
	}
	d.set(func() ([]identity.Group, error) { return []identity.Group{group}, nil })
	if l := next(t, w.loaded); l.Unresolved != 0 || w.live.Load().Decide(push).Granted == 0 {
		t.Errorf("told %+v, granted %q", l, w.live.Load().Decide(push).Granted)
	}
	renamed := person("carl")
	renamed.Groups = []identity.Group{identity.NewGroup("id-1", "cn=externals,ou=groups,dc=corp,dc=example", "externals")}
	if w.live.Load().Decide(ask(renamed, "push a/b")).Granted != 0 {
		t.Error("a renamed group is not held")
	}
	d.set(func() ([]identity.Group, error) { return nil, nil })
	if err := w.Reload(t.Context()); err != nil {
		t.Errorf("Reload after the group vanished: %v", err)
	}
	if next(t, w.vanished) != "contractors" || w.live.Load().Decide(ask(renamed, "push a/b")).Granted != 0 {
		t.Error("a vanished group is not held")
	}
}

// TestCannotOfAnUnknownGroup: asked late, the directory turns out not to know it.
func TestCannotOfAnUnknownGroup(t *testing.T) {
	t.Parallel()
	var d directory
	d.set(func() ([]identity.Group, error) { return nil, identity.ErrUnavailable })
	w := watch(t, blocked, func(o *policyfile.WatcherOptions) { o.Options.FindGroup = d.find })
	d.set(func() ([]identity.Group, error) { return nil, nil })
	if told := next(t, w.failed); !strings.Contains(told.Error(), "does not know the group") || w.LastError() == nil {
		t.Errorf("told %v, LastError() = %v", told, w.LastError())
	}
	if w.live.Load().Decide(ask(person("alice"), "push a/b")).Granted != 0 {
		t.Error("the cannot opened")
	}
	d.set(func() ([]identity.Group, error) { return []identity.Group{identity.NewGroup("id", "cn=c", "c")}, nil })
	next(t, w.loaded)
	if err := w.LastError(); err != nil {
		t.Errorf("LastError() = %v after the group was found", err)
	}
}

// TestGroupsOfAPolicyWhoseFileIsRefused: that a group became known does not make the file good.
func TestGroupsOfAPolicyWhoseFileIsRefused(t *testing.T) {
	t.Parallel()
	var d directory
	d.set(func() ([]identity.Group, error) { return nil, identity.ErrUnavailable })
	w := watch(t, blocked, func(o *policyfile.WatcherOptions) { o.Options.FindGroup = d.find })
	write(t, w.path, "version: 2\n")
	next(t, w.failed)
	d.set(func() ([]identity.Group, error) { return []identity.Group{identity.NewGroup("id", "cn=c", "c")}, nil })
	if l := next(t, w.loaded); !l.Refused || l.Unresolved != 0 || w.LastError() == nil {
		t.Errorf("told %+v, LastError() = %v", l, w.LastError())
	}
	write(t, w.path, grants("a"))
	if l := next(t, w.loaded); l.Refused {
		t.Errorf("told %+v of a good file", l)
	}
}

// TestTheFirstFailureIsTheCallers: while nothing is in force, nobody is told that something stays so.
func TestTheFirstFailureIsTheCallers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	told := 0
	w, err := policyfile.NewWatcher(policyfile.WatcherOptions{
		Path: path, Live: policy.NewLive(nil), Options: options(),
		Observer: policyfile.Observer{Failed: func(error) { told++ }},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "version: 2\n", grants("a")[:40]} {
		write(t, path, text)
		if err := w.Reload(t.Context()); err == nil || w.LastError() == nil || told != 0 {
			t.Errorf("Reload of %q: %v, LastError() = %v, told %d times", text, err, w.LastError(), told)
		}
	}
	write(t, path, grants("a"))
	if err := w.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(t, path, "version: 2\n")
	if err := w.Reload(t.Context()); err == nil || told != 1 {
		t.Errorf("Reload = %v, told %d times, want once", err, told)
	}
}

// TestRunEnds: nothing is left behind.
func TestRunEnds(t *testing.T) {
	t.Parallel()
	w := watch(t, grants("a"), nil)
	w.end()
}
