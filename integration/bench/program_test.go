package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/proc"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// program is a wharfgate that runs as its own process, with log and audit record in files.
type program struct {
	*gate.Gate

	log     string
	process *proc.Process
	start   time.Duration // from its start until it was ready
}

// configure writes a configuration for a directory and a policy with one rule a group, and returns the
// configuration's path. The policy has a folder of its own, because its folder is watched.
func configure(t testing.TB, server string, edits ...func(gate.Settings)) (string, gate.Settings) {
	t.Helper()
	var policy strings.Builder
	policy.WriteString("version: 1\nrules:\n")
	for i := range allGroups {
		fmt.Fprintf(&policy, "  - {who: 'group:%[1]s', can: [push, delete], repos: '%[1]s/**'}\n", team(i))
	}
	plain := func(s gate.Settings) {
		delete(s.Directory(), "tls")
		s.Directory()["insecure_plaintext"] = true
	}
	d := &slapd.Server{URL: server, BaseDN: suffix, BindDN: serviceDN, Password: password}
	return configureFor(t, d, policy.String(), append([]func(gate.Settings){plain}, edits...)...)
}

// configureFor writes a configuration for any directory and a policy.
func configureFor(t testing.TB, d gate.Directory, policy string, edits ...func(gate.Settings)) (string, gate.Settings) {
	t.Helper()
	dir := t.TempDir()
	s := gate.Default(t, dir, d)
	s["log"] = gate.Settings{"format": "json", "level": "info"}
	s["policy"] = gate.Settings{"file": filepath.Join(t.TempDir(), "policy.yaml")}
	for _, edit := range edits {
		edit(s)
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, s.Section("policy")["file"].(string), policy)
	file := filepath.Join(dir, "wharfgate.yaml")
	writeFile(t, file, string(text))
	return file, s
}

// warmFor keeps what is known of accounts, so that only binds reach the directory while something is measured.
func warmFor(ttl string) func(gate.Settings) {
	return func(s gate.Settings) { s.Directory().Section("cache")["ttl"] = ttl }
}

// executable builds the program as `make build` does, once.
var executable = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "bin", "bench", "wharfgate")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "./cmd/wharfgate")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build wharfgate: %w\n%s", err, out)
	}
	return path, nil
})

// startProgram runs the program until the test ends, and takes the time until it is ready. A shell opens the
// log, because a pipe to this process would cost it time.
func startProgram(t testing.TB, server string, edits ...func(gate.Settings)) *program {
	t.Helper()
	config, settings := configure(t, server, edits...)
	return runProgram(t, config, settings)
}

// runProgram runs the program with a configuration that was written.
func runProgram(t testing.TB, config string, settings gate.Settings) *program {
	t.Helper()
	path, err := executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{
		Gate: &gate.Gate{
			URL:       settings["public_url"].(string),
			Operator:  "http://" + settings.Section("operator")["listen"].(string),
			AuditFile: settings.Section("audit")["file"].(string),
		},
		log: filepath.Join(filepath.Dir(config), "wharfgate.log"),
	}
	begin := time.Now()
	p.process = proc.Start(t, nil, "bash", "-c", `exec "$0" serve -c "$1" 2>>"$2"`, path, config, p.log)
	p.awaitReady(t)
	p.start = time.Since(begin)
	return p
}

func (p *program) awaitReady(t testing.TB) {
	t.Helper()
	const patience = 30 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !p.isReady(ctx) {
		select {
		case <-tick.C:
		case <-p.process.Ended():
			log, _ := os.ReadFile(p.log)
			t.Fatalf("the gate ended before it was ready:\n%s", log)
		case <-ctx.Done():
			t.Fatal("the gate is not ready in time")
		}
	}
}

func (p *program) isReady(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Operator+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// restarts starts the program n times, on keys that are there already, and returns how long each start took.
func restarts(t testing.TB, n int, server string) []float64 {
	t.Helper()
	state := t.TempDir()
	var took []float64
	for i := range n + 1 {
		p := startProgram(t, server, func(s gate.Settings) { s["state_dir"] = state })
		if i > 0 { // the first one makes the keys
			took = append(took, float64(p.start)/float64(time.Millisecond))
		}
		if err := p.process.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	return took
}

// resident is the memory of a process in MB: now, and at most so far.
func resident(t testing.TB, p *proc.Process) (now, peak float64) {
	t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.PID()), "status"))
	if err != nil {
		t.Fatal(err)
	}
	field := func(name string) float64 {
		for line := range bytes.Lines(status) {
			if words := bytes.Fields(line); len(words) > 1 && string(words[0]) == name {
				kb, err := strconv.ParseFloat(string(words[1]), 64)
				if err != nil {
					t.Fatal(err)
				}
				return kb / 1024
			}
		}
		t.Fatalf("/proc has no %s", name)
		return 0
	}
	return field("VmRSS:"), field("VmHWM:")
}

// processor is the time that a process has used so far.
func processor(t testing.TB, p *proc.Process) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.PID()), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	const user, second = 11, 100 // fields after the name in parentheses; Linux counts in 1/100 s
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+2:])
	ticks := 0
	for _, f := range fields[user : user+2] {
		n, err := strconv.Atoi(string(f))
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / second
}

// ownProcessor is the time that this process has used so far.
func ownProcessor(t testing.TB) time.Duration {
	t.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// truncate empties log and audit record, so that a long run does not fill the disk.
func (p *program) truncate(t testing.TB) {
	t.Helper()
	for _, file := range []string{p.log, p.AuditFile} {
		if err := os.Truncate(file, 0); err != nil {
			t.Error(err)
		}
	}
}
