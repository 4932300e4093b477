package gate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
)

const (
	// patience bounds whatever a test waits for.
	patience = 20 * time.Second
	service  = "registry.test"
	password = "s3cret-of-the-service"
)

// publicPolicy lets everybody pull below public/, which needs no directory.
const publicPolicy = `version: 1
rules:
  - {who: [anyone], can: [pull], repos: [public/**]}
  - {who: [signed-in], can: [pull], repos: ["**"]}
`

// site is the files of a gate, its configuration, and what it writes.
type site struct {
	dir    string
	config config.Config
	log    *journal
	audit  *journal
}

// newSite writes the files of a gate that can start, with a directory where nobody answers.
func newSite(t *testing.T, edits ...func(*site)) *site {
	t.Helper()
	s := &site{dir: t.TempDir(), log: &journal{}, audit: &journal{}}
	c := config.Default()
	c.Listen, c.Operator.Listen = "127.0.0.1:0", "127.0.0.1:0"
	c.PublicURL = "http://localhost:5001"
	c.StateDir = filepath.Join(s.dir, "state")
	c.Keys.AutoCreate = true
	c.Registries = []config.Registry{config.DefaultRegistry(service)}
	d := config.DefaultDirectory("corp", "openldap")
	d.Servers = []string{"ldap://" + deadServer(t)}
	d.InsecurePlaintext = true
	d.Bind.DN, d.Bind.PasswordFile = serviceDN, s.write(t, "bind.pw", password+"\n")
	d.BaseDN, d.Groups.BaseDN = "dc=corp,dc=test", "ou=groups,dc=corp,dc=test"
	c.Directories = []config.Directory{d}
	c.Policy.File = s.write(t, "policy.yaml", publicPolicy)
	s.config = c
	for _, edit := range edits {
		edit(s)
	}
	return s
}

// write writes a file of the site that only its owner reads.
func (s *site) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// build makes the gate.
func (s *site) build(ctx context.Context, load func() (config.Config, error)) (*gate.Gate, error) {
	return gate.Build(ctx, s.config, gate.Options{
		Logger: slog.New(slog.NewJSONHandler(s.log, nil)), Audit: s.audit, Load: load, Version: "v1.2.3",
	})
}

// deadServer gives the address of a server that hangs up at once.
func deadServer(t *testing.T) string {
	t.Helper()
	l := listen(t)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

// listen opens a port until the test ends.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// running is a gate that runs.
type running struct {
	*gate.Gate

	site  *site
	load  func() (config.Config, error)
	stop  context.CancelFunc
	ended chan error
}

// run starts the gate and waits until it is ready. It is stopped when the test ends, and must then have ended
// cleanly and left no goroutine.
func (s *site) run(t *testing.T) *running {
	t.Helper()
	r := &running{site: s, ended: make(chan error, 1)}
	var mu sync.Mutex
	r.load = func() (config.Config, error) {
		mu.Lock()
		defer mu.Unlock()
		return s.config, nil
	}
	ctx, stop := context.WithCancel(t.Context())
	r.stop = stop
	var err error
	labeled(ctx, t, func(ctx context.Context) {
		r.Gate, err = s.build(ctx, func() (config.Config, error) { return r.load() })
	})
	if err != nil {
		t.Fatal(err)
	}
	go labeled(ctx, t, func(ctx context.Context) { r.ended <- r.Run(ctx) })
	t.Cleanup(func() { r.end(t) })
	select {
	case <-r.Ready():
	case err := <-r.ended:
		t.Fatalf("the gate ended: %v", err)
	case <-time.After(patience):
		t.Fatal("the gate is not ready")
	}
	return r
}

// end stops the gate, once.
func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	select {
	case err, ok := <-r.ended:
		if ok && err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		if ok {
			close(r.ended)
		}
	case <-time.After(patience):
		t.Fatal("the gate does not end")
	}
	noGoroutines(t)
}

// labeled runs f so that the goroutines it starts can be told from those of other tests.
func labeled(ctx context.Context, t *testing.T, f func(context.Context)) {
	t.Helper()
	pprof.Do(ctx, pprof.Labels("test", t.Name()), f)
}

// noGoroutines fails the test if something that it started under [labeled] still runs.
func noGoroutines(t *testing.T) {
	t.Helper()
	var left []string
	tick := time.NewTicker(5 * time.Millisecond) // some of them are on their way out
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if left = goroutines(t); len(left) == 0 {
			return
		}
	}
	t.Errorf("goroutines are left:\n%s", strings.Join(left, "\n\n"))
}

// goroutines lists the goroutines with the label of the test.
func goroutines(t *testing.T) []string {
	t.Helper()
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		t.Fatal(err)
	}
	mark, err := json.Marshal(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for block := range strings.SplitSeq(b.String(), "\n\n") {
		if strings.Contains(block, `"test":`+string(mark)) {
			left = append(left, block)
		}
	}
	return left
}

// ask asks for a token for a pull without credentials, and gives the status.
func (r *running) ask(t *testing.T, client *http.Client, repository string) int {
	t.Helper()
	return status(t, client, "http://"+r.Address().String()+"/token?service="+service+"&scope=repository:"+repository+":pull")
}

// login asks for a token as alice, and gives the status.
func (r *running) login(t *testing.T, secret, scope string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		"http://"+r.Address().String()+"/token?service="+service+"&scope="+scope, nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	request.SetBasicAuth("alice", secret)
	answer, err := newClient(t, false).Do(request)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// operator asks the operator listener.
func (r *running) operator(t *testing.T, path string) (code int, body string) {
	t.Helper()
	return get(t, newClient(t, false), "http://"+r.OperatorAddress().String()+path)
}

// metric gives the value of a series as it is written.
func (r *running) metric(t *testing.T, series string) string {
	t.Helper()
	_, text := r.operator(t, "/metrics")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// status gives the status of an answer.
func status(t *testing.T, client *http.Client, url string) int {
	t.Helper()
	code, _ := get(t, client, url)
	return code
}

// get asks and reads the answer.
func get(t *testing.T, client *http.Client, url string) (code int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Errorf("GET %s: %v", url, err)
		return 0, ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Errorf("GET %s: %v", url, err)
	}
	return answer.StatusCode, string(text)
}

// newClient gives a client with connections of its own; without keep-alive each request opens one.
func newClient(t *testing.T, keepAlive bool) *http.Client {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: !keepAlive}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// journal is a text that several write.
type journal struct {
	mu   sync.Mutex
	text []byte
}

// Write appends.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text = append(j.text, p...)
	return len(p), nil
}

// String is all that was written.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return string(j.text)
}

// line gives the last line of the log with a message.
func (j *journal) line(t *testing.T, message string) map[string]any {
	t.Helper()
	var found map[string]any
	for text := range strings.Lines(j.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("log line %q: %v", text, err)
		}
		if line["msg"] == message {
			found = line
		}
	}
	if found == nil {
		t.Fatalf("no line %q in the log:\n%s", message, j)
	}
	return found
}
