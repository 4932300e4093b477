package main

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	passes  = `{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}` + "\n" + `{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.1}` + "\n"
	skips   = `{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:3: no slapd\n"}` + "\n" + `{"Action":"skip","Package":"p","Test":"TestB"}` + "\n"
	fails   = `{"Action":"output","Package":"p","Test":"TestC","Output":"    c_test.go:4: wrong\n"}` + "\n" + `{"Action":"fail","Package":"p","Test":"TestC"}` + "\n"
	good    = `{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}` + "\n" + `{"Action":"pass","Package":"p"}` + "\n"
	bad     = `{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}` + "\n" + `{"Action":"fail","Package":"p"}` + "\n"
	hanging = `{"Action":"output","Package":"p","Test":"TestD","Output":"panic: in d\n"}` + "\n"
	noTests = `{"Action":"output","Package":"q","Output":"?   \tq\t[no test files]\n"}` + "\n" + `{"Action":"skip","Package":"q"}` + "\n"
	broken  = `{"Action":"build-output","ImportPath":"p","Output":"p.go:1: undefined: x\n"}` + "\n"
)

func TestReport(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		err      error
		skipped  int
		want     []string
	}{
		{"all pass", passes + good, nil, 0, []string{"ok  \tp\t0.1s", "1 packages: 1 tests passed, 0 failed, 0 skipped"}},
		{"one skips", passes + skips + good, nil, 1, []string{"p TestB: b_test.go:3: no slapd", "1 skipped"}},
		{"a failure shows its output", passes + fails + bad, errFailed, 0, []string{"c_test.go:4: wrong", "FAIL\tp", "1 failed"}},
		{"a test that never ends shows its output", passes + hanging + bad, errFailed, 0, []string{"panic: in d"}},
		{"a build failure", broken + passes + bad, errFailed, 0, []string{"undefined: x"}},
		{"no tests is no skip", passes + good + noTests, nil, 0, []string{"0 skipped"}},
		{"nothing ran", noTests, errNothing, 0, []string{"0 tests passed"}},
		{"a line that is no event", "go: downloading x\n" + passes + good, nil, 0, []string{"go: downloading x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			r := newReport(&out, false)
			if err := r.read(bufio.NewReader(strings.NewReader(tt.in))); err != nil {
				t.Fatalf("read: %v", err)
			}
			if err := r.verdict(); !errors.Is(err, tt.err) {
				t.Errorf("verdict() = %v, want %v", err, tt.err)
			}
			if len(r.skipped) != tt.skipped {
				t.Errorf("skipped = %q, want %d of them", r.skipped, tt.skipped)
			}
			got := out.String() + r.summary()
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("output lacks %q:\n%s", want, got)
				}
			}
		})
	}
}

// TestRun runs real modules, so that the exit codes are the real ones.
func TestRun(t *testing.T) {
	tests := []struct {
		name, body, ci string
		wantErr        bool
		wantSkips      string
	}{
		{"pass", "", "true", false, ""},
		{"fail", `t.Error("no")`, "", true, ""},
		{"skip at a desk", `t.Skip("no slapd")`, "", false, "no slapd"},
		{"skip in CI", `t.Skip("no slapd")`, "true", true, "no slapd"},
		{"skip that may be", `t.Skip("no engine here")`, "true", false, "no engine"},
		{"another beside it", `t.Run("a", func(t *testing.T) { t.Skip("no engine here") }); t.Skip("no slapd")`, "true", true, "no slapd"},
		{"does not build", `undefined()`, "", true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("CI", tt.ci)
			dir := t.TempDir()
			write(t, filepath.Join(dir, "go.mod"), "module m\n\ngo 1.26\n")
			write(t, filepath.Join(dir, "m_test.go"),
				"package m\n\nimport \"testing\"\n\nfunc TestOther(t *testing.T) {}\n\nfunc TestM(t *testing.T) { "+tt.body+" }\n")
			skips := filepath.Join(dir, "skips.txt")
			var out strings.Builder
			err := run(t.Context(), &out, []string{"-C", dir, "-skips", skips, "-may-skip", "no engine", "-count=1", "./..."})
			if (err != nil) != tt.wantErr {
				t.Errorf("run = %v, want an error: %v\n%s", err, tt.wantErr, out.String())
			}
			if tt.wantSkips == "" {
				return
			}
			got, err := os.ReadFile(skips)
			if err != nil || !strings.Contains(string(got), tt.wantSkips) {
				t.Errorf("skips file = %q (%v), want %q", got, err, tt.wantSkips)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
