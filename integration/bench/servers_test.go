package bench_test

import (
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/repository"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// parallel logs 64 people in at once, again and again, and looks whether each is told the own groups alone.
func (s *session) parallel(t testing.TB) {
	const atOnce, times, apart = 64, 50, 100
	d := startDirectory(t, atOnce)
	p := startProgram(t, d.url, func(g gate.Settings) { g["registries"] = []gate.Settings{{"service": gate.Service}} })
	asker := p.Asker(gate.Service)
	round := func(n int) (wrong int, rate float64) {
		var clients sync.WaitGroup
		var mu sync.Mutex
		began := time.Now()
		for i := range atOnce {
			clients.Go(func() {
				mine, others := team(i)+"/x", team(i+apart)+"/x"
				for range n {
					a, err := asker.Ask(t.Context(), login(i), password, "repository:"+mine+":pull", "repository:"+others+":pull")
					if err != nil || len(a.Claims.Access) != 1 || a.Claims.Access[0].Name != mine || a.Claims.Subject != login(i) {
						mu.Lock()
						wrong++
						mu.Unlock()
					}
				}
			})
		}
		clients.Wait()
		return wrong, float64(n*atOnce) / time.Since(began).Seconds()
	}
	first, _ := round(times)
	before := d.look(t)
	wrong, rate := round(times)
	opened := d.look(t).minus(before).connections
	stop(t, p)
	wrong += first
	s.add("64 parallel logins, steady", fmt.Sprintf("%.0f/s", rate), "", none)
	s.add("answers with another's groups, or with none", strconv.Itoa(wrong), "0", judge(wrong == 0))
	s.add("connections opened in steady state", strconv.Itoa(opened), "0", judge(opened == 0))
}

// failover stops the first of two servers with SIGSTOP under logins that need searches and binds.
func (s *session) failover(t testing.TB) {
	const rounds, failures, requests, longest = 3, 3, 20, 1000
	d := slapd.Start(t, slapd.Options{Replica: true})
	var early, late []float64
	lost := 0
	for range rounds {
		p := startFor(t, d, func(g gate.Settings) {
			g.Directory()["servers"] = []string{d.URL, d.Replica().URL}
			g.Directory()["cache"] = gate.Settings{"ttl": "1s", "stale_if_down": "0s"}
		})
		granted(t, p, "alice", d.Password, "teams/nest-1/x")
		d.Pause(t)
		for i := range requests {
			a, err := p.Asker(gate.Service).Ask(t.Context(), fmt.Sprintf("u%05d", 1+i), d.Password)
			if err != nil {
				t.Fatal(err)
			}
			if i < failures {
				early = append(early, milliseconds(a.Took))
				continue
			}
			late = append(late, milliseconds(a.Took))
			if a.Status != http.StatusOK {
				lost++
			}
		}
		d.Resume(t)
		stop(t, p)
	}
	s.add("first of two servers stopped, the first 3 requests", fmt.Sprintf("%.0f ms at most", slices.Max(early)), "", none)
	s.add("the requests after them", fmt.Sprintf("%.0f ms (%s), %d of %d not 200", median(late), spread("%.0f", late), lost, len(late)),
		"under 1 s, each 200", judge(slices.Max(late) < longest && lost == 0))
}

// users takes the memory of 100,000 remembered users in 50 groups each, in a process of its own.
func (s *session) users(t testing.TB) {
	const most = 250
	test := exec.CommandContext(t.Context(), "go", "test", "./pkg/directory", "-run", "^$", "-bench", "^BenchmarkRememberedUser$", "-benchtime", "1x")
	test.Dir = repository.Path(t)
	out, err := test.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	each, err1 := strconv.ParseFloat(firstMatch(`([\d.]+) B/user`, string(out)), 64)
	all, err2 := strconv.ParseFloat(firstMatch(`([\d.]+) MB/100k`, string(out)), 64)
	if err1 != nil || err2 != nil {
		t.Fatalf("no figures in:\n%s", out)
	}
	s.add("memory of 100,000 remembered users, 50 groups each", fmt.Sprintf("%.0f MB, %.0f bytes a user", all, each), "under 250 MB", judge(all < most))
}
