package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/audit"
)

var update = flag.Bool("update", false, "write the golden files")

// happy is a record as a push leads to.
func happy() audit.Record {
	return audit.Record{
		Time:      time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.UTC),
		RequestID: "01JDC0K5",
		Service:   "registry.corp.example",
		Grant:     "basic",
		Principal: audit.Principal{
			Kind: "person", Directory: "corp", ID: "6a1f2c1e-0d8f-4a53-9f63-0a1c8e3f7b11", Name: "alice",
			Groups: []string{"cn=team-payments,ou=groups,dc=corp,dc=example"},
		},
		Client: audit.Client{Address: "10.1.2.3", UserAgent: "docker/28.2.2 <go>", ID: "docker"},
		Scopes: []audit.Scope{
			{
				Type: "repository", Name: "payments/api", Asked: []string{"pull", "push"}, Granted: []string{"pull", "push"},
				Rules: []string{"policy.yaml:12"},
			},
			{Type: "repository", Name: "base/go", Asked: []string{"push"}, Granted: []string{}, Reason: "no_rule"},
		},
		PolicyRevision: "5f2c0a91",
		TokenID:        "q6fT0mLw3n9cX1yZ2uVbGA",
		ExpiresAt:      time.Date(2026, 11, 23, 12, 30, 0, 0, time.UTC),
	}
}

// losses counts what an observer hears.
type losses struct {
	dropped atomic.Int64
	mu      sync.Mutex
	errs    []error
}

func (l *losses) observer() audit.Observer {
	return audit.Observer{
		Dropped: func(n int) { l.dropped.Add(int64(n)) },
		Failed: func(err error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.errs = append(l.errs, err)
		},
	}
}

// newWriter makes a writer that must be made.
func newWriter(tb testing.TB, o audit.Options) *audit.Writer {
	tb.Helper()
	w, err := audit.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

func closeWriter(tb testing.TB, w *audit.Writer) {
	tb.Helper()
	if err := w.Close(context.WithoutCancel(tb.Context())); err != nil {
		tb.Errorf("Close = %v", err)
	}
}

// ids gives the request ids of written lines; each line must be whole.
func ids(tb testing.TB, data []byte) []string {
	tb.Helper()
	var all []string
	for line := range bytes.Lines(data) {
		var r audit.Record
		if err := json.Unmarshal(line, &r); err != nil {
			tb.Errorf("line %q: %v", line, err)
		}
		all = append(all, r.RequestID)
	}
	return all
}

func TestGolden(t *testing.T) {
	t.Parallel()
	refused := happy()
	refused.Principal, refused.Scopes, refused.TokenID, refused.ExpiresAt = audit.Principal{Kind: "anonymous"}, nil, "", time.Time{}
	refused.Client, refused.PolicyRevision, refused.Refused = audit.Client{Address: "2001:db8::1"}, "", "wrong_password"
	var out bytes.Buffer
	w := newWriter(t, audit.Options{Output: &out})
	w.Write(happy())
	w.Write(refused)
	closeWriter(t, w)
	if *update {
		if err := os.WriteFile("testdata/records.golden.jsonl", out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/records.golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("records are\n%s\nwant\n%s", out.String(), want)
	}
	var back audit.Record
	line, _, _ := strings.Cut(out.String(), "\n")
	if err := json.Unmarshal([]byte(line), &back); err != nil {
		t.Fatal(err)
	}
	in := happy()
	in.Version = audit.Version
	if !reflect.DeepEqual(back, in) {
		t.Errorf("read back %+v, want %+v", back, in)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		o    audit.Options
		want error
	}{
		{"nothing", audit.Options{}, audit.ErrInvalidOptions},
		{"both", audit.Options{File: "x", Output: io.Discard}, audit.ErrInvalidOptions},
		{"negative queue", audit.Options{Output: io.Discard, Queue: -1}, audit.ErrInvalidOptions},
		{"negative wait", audit.Options{Output: io.Discard, Wait: -1}, audit.ErrInvalidOptions},
		{"no such directory", audit.Options{File: filepath.Join(t.TempDir(), "a", "b")}, fs.ErrNotExist},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := audit.New(tt.o); !errors.Is(err, tt.want) {
				t.Errorf("New = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestCloseFlushesAndCounts(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var lost losses
	w := newWriter(t, audit.Options{Output: &out, Observer: lost.observer()})
	var want []string
	for i := range 500 {
		r := happy()
		r.RequestID = strconv.Itoa(i)
		want = append(want, r.RequestID)
		w.Write(r)
	}
	closeWriter(t, w)
	closeWriter(t, w)
	if got := ids(t, out.Bytes()); !reflect.DeepEqual(got, want) {
		t.Errorf("%d records were written, want %d in order", len(got), len(want))
	}
	w.Write(happy())
	if n := lost.dropped.Load(); n != 1 {
		t.Errorf("%d records were counted as dropped, want the one after Close", n)
	}
}

func TestConcurrentWrites(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	var lost losses
	w := newWriter(t, audit.Options{File: file, Queue: 4, Wait: time.Minute, Observer: lost.observer()})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				w.Write(happy())
			}
		})
	}
	for range 5 {
		if err := w.Reopen(); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
	closeWriter(t, w)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(ids(t, data)); n != 800 || lost.dropped.Load() != 0 {
		t.Errorf("%d records were written, %d dropped, want 800 and none", n, lost.dropped.Load())
	}
}

// stuck is an output that takes nothing until it is opened.
type stuck struct {
	open chan struct{}
	out  bytes.Buffer
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.open
	return s.out.Write(p)
}

func TestSlowOutput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var lost losses
		out := &stuck{open: make(chan struct{})}
		w := newWriter(t, audit.Options{Output: out, Queue: 3, Observer: lost.observer()})
		w.Write(happy())
		synctest.Wait() // it is in the output now
		for range 3 {
			w.Write(happy())
		}
		for i := range 2 {
			begin := time.Now()
			w.Write(happy())
			if d := time.Since(begin); d != audit.DefaultWait {
				t.Errorf("Write took %v with a full queue, want %v", d, audit.DefaultWait)
			}
			if n := lost.dropped.Load(); n != int64(i+1) {
				t.Errorf("%d dropped, want %d", n, i+1)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "3 left") {
			t.Errorf("Close = %v, want a deadline and what is left", err)
		}
		close(out.open)
		closeWriter(t, w)
		if n := len(ids(t, out.out.Bytes())); n != 4 {
			t.Errorf("%d records were written in the end, want 4", n)
		}
	})
}

// broken is an output that takes a few bytes of a write and fails, until it is mended.
type broken struct {
	take   int
	failed bool
	out    bytes.Buffer
}

var errDisk = errors.New("disk full")

func (b *broken) Write(p []byte) (int, error) {
	if b.failed {
		return b.out.Write(p)
	}
	b.failed = true
	n, _ := b.out.Write(p[:b.take])
	return n, errDisk
}

func TestFailingOutput(t *testing.T) {
	t.Parallel()
	for _, take := range []int{0, 10} {
		t.Run(strconv.Itoa(take), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var lost losses
				out := &broken{take: take}
				w := newWriter(t, audit.Options{Output: out, Observer: lost.observer()})
				w.Write(happy())
				synctest.Wait()
				if n := lost.dropped.Load(); n != 1 || len(lost.errs) != 1 || !errors.Is(lost.errs[0], errDisk) {
					t.Errorf("dropped %d, errors %v, want one of each", n, lost.errs)
				}
				w.Write(happy())
				closeWriter(t, w)
				lines := bytes.SplitAfter(out.out.Bytes(), []byte("\n"))
				if take > 0 {
					lines = lines[1:] // what was torn ends there
				}
				if n := len(ids(t, bytes.Join(lines, nil))); n != 1 {
					t.Errorf("%q, want one whole line at the end", out.out.String())
				}
			})
		})
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "audit.jsonl")
	w := newWriter(t, audit.Options{File: file})
	w.Write(happy())
	if err := os.Rename(file, file+".1"); err != nil {
		t.Fatal(err)
	}
	if err := w.Reopen(); err != nil {
		t.Fatal(err)
	}
	w.Write(happy())
	closeWriter(t, w)
	if err := w.Reopen(); err != nil {
		t.Errorf("Reopen after Close = %v", err)
	}
	total := 0
	for _, name := range []string{file, file + ".1"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		total += len(ids(t, data))
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want mode 0600", name, info, err)
		}
	}
	if total != 2 {
		t.Errorf("%d records in both files, want 2", total)
	}
}

func TestReopenFails(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w := newWriter(t, audit.Options{File: filepath.Join(dir, "audit.jsonl")})
	if err := os.Rename(dir, dir+".1"); err != nil {
		t.Fatal(err)
	}
	if err := w.Reopen(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Reopen = %v, want %v", err, fs.ErrNotExist)
	}
	w.Write(happy())
	closeWriter(t, w)
	data, err := os.ReadFile(filepath.Join(dir+".1", "audit.jsonl"))
	if err != nil || len(ids(t, data)) != 1 {
		t.Errorf("the old file holds %q, %v, want one record", data, err)
	}
	out := newWriter(t, audit.Options{Output: io.Discard})
	if err := out.Reopen(); err != nil {
		t.Errorf("Reopen without a file = %v", err)
	}
	closeWriter(t, out)
}

func TestAppendsAfterCrash(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(file, []byte("{\"version\":1,\"ti"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w := newWriter(t, audit.Options{File: file})
		w.Write(happy())
		closeWriter(t, w)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(data, []byte("\n"))
	if n := len(ids(t, rest)); n != 2 {
		t.Errorf("the file holds %q, want two whole lines after the torn one", data)
	}
}

func BenchmarkWrite(b *testing.B) {
	w := newWriter(b, audit.Options{Output: io.Discard, Wait: time.Minute})
	r := happy()
	b.ReportAllocs()
	for b.Loop() {
		w.Write(r)
	}
	closeWriter(b, w)
}

func Example() {
	w, err := audit.New(audit.Options{Output: os.Stdout})
	if err != nil {
		fmt.Println(err)
		return
	}
	w.Write(audit.Record{
		Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), RequestID: "r1", Service: "registry.corp.example",
		Grant: "anonymous", Principal: audit.Principal{Kind: "anonymous"}, Refused: "no_credentials",
	})
	if err := w.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"version":1,"time":"2026-11-23T12:00:00Z","request_id":"r1","service":"registry.corp.example","grant":"anonymous","principal":{"kind":"anonymous"},"client":{},"scopes":[],"policy_revision":"","refused":"no_credentials"}
}
