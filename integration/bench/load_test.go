package bench_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/need"
)

// target is the path and query of one person's request for a token, as docker asks before a push.
func target(i int) string {
	q := url.Values{
		"account": {login(i)}, "service": {gate.Service}, "scope": {"repository:" + team(i) + "/app:pull,push"},
	}
	return "/auth/token?" + q.Encode()
}

// basic are one person's credentials.
func basic(i int, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(login(i) + ":" + password))
}

// load is what wrk saw.
type load struct {
	requests   int
	rate       float64 // answers a second
	p50, p99   float64 // ms
	bad, other int     // answers but 2xx and 3xx; errors of sockets and time-outs
	used       time.Duration
}

// requestsFile writes the requests of the first n people for wrk.
func requestsFile(t testing.TB, n int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		b.WriteString(target(i) + " " + basic(i, password) + "\n")
	}
	file := filepath.Join(t.TempDir(), "requests")
	writeFile(t, file, b.String())
	return file
}

// wrk loads a server with the requests of a file for whole seconds. A request that fails is fatal.
func wrk(t testing.TB, base, requests string, connections int, d time.Duration) load {
	t.Helper()
	return wrkBy(t, "testdata/rotate.lua", base, requests, connections, d)
}

// wrkBy is wrk with another script.
func wrkBy(t testing.TB, script, base, requests string, connections int, d time.Duration) load {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), need.Tools(t, "wrk")[0], "-t2", fmt.Sprintf("-c%d", connections),
		fmt.Sprintf("-d%ds", int(d.Seconds())), "-s", script, base, "--", requests)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("wrk: %v\n%s", err, out)
	}
	_, line, found := strings.Cut(string(out), "\nfigures ")
	var l load
	var micros, p50, p99 float64
	if _, err := fmt.Sscan(line, &l.requests, &micros, &l.bad, &l.other, &p50, &p99); err != nil || !found {
		t.Fatalf("wrk printed:\n%s", out)
	}
	if l.bad > 0 || l.other > 0 || l.requests == 0 {
		t.Fatalf("%d answers, %d of them not 200, and %d other errors", l.requests, l.bad, l.other)
	}
	l.used = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	l.rate, l.p50, l.p99 = float64(l.requests)/micros*1e6, p50/1e3, p99/1e3
	return l
}

// answer is what came back for one request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask makes one request for a token.
func ask(ctx context.Context, base string, i int, password string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+target(i), nil)
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Authorization", "Basic "+basic(i, password))
	r, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	return answer{r.StatusCode, r.Header, body}, err
}

// warm lets each of the first n people ask once and returns how many tokens a second that were.
func warm(t testing.TB, base string, n int) float64 {
	t.Helper()
	const workers = 16
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, workers)
	start := time.Now()
	for w := range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[w] == nil; i = int(next.Add(1)) - 1 {
				a, err := ask(t.Context(), base, i, password)
				if err == nil && a.status != http.StatusOK {
					err = fmt.Errorf("%s asks: %d\n%s", login(i), a.status, a.body)
				}
				errs[w] = err
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return float64(n) / time.Since(start).Seconds()
}
