package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/integration/internal/policymix"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

const (
	manyRules  = 100_000
	manyGroups = 500
)

// questions are what a person in many groups may ask: what many kinds of rules give, and what none gives.
func questions(rules int) []policy.Request {
	who := policymix.Member(rules, min(manyGroups, rules/2))
	step := rules / len(who.Groups)
	var all []policy.Request
	for _, name := range []string{
		fmt.Sprintf("unit-%05d/app", 20*step), fmt.Sprintf("unit-%05d/prod/app", 14), fmt.Sprintf("legacy/unit-%05d/app", 9),
		fmt.Sprintf("by-id/unit-%05d/app", 10), "sid/common/app", fmt.Sprintf("people/u%05d/app", 13), fmt.Sprintf("area-%05d/web/app", 15),
		fmt.Sprintf("catalog/p%05d/app", 18), "a/b/" + fmt.Sprintf("test-%05d", 19), fmt.Sprintf("x/app-%05d/app", 17),
		"home/u00013/app", "nobody/knows/this", fmt.Sprintf("base/app-%05d-x", 7),
	} {
		all = append(all, policy.Request{
			Principal: who, Service: policymix.Service, Client: netip.MustParseAddr("10.20.1.2"), Now: time.Now(),
			Scope: registry.Scope{Type: registry.TypeRepository, Name: name, Actions: registry.Pull | registry.Push},
		})
	}
	return all
}

// mixed compiles a policy of so many rules.
func mixed(t testing.TB, rules int) *policy.Policy {
	t.Helper()
	p, err := policyfile.Parse("policy.yaml", policymix.Document(rules), policymix.Options())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// decisions takes the time of a decision among few rules and many, in turns.
func (s *session) decisions(t testing.TB) {
	const times, rounds, most = 2000, 15, 20_000
	sizes := []int{1_000, 10_000, manyRules}
	mean, slowest := map[int][]float64{}, map[int][]float64{}
	allocations := 0.0
	var all []*policy.Policy
	for _, rules := range sizes {
		all = append(all, mixed(t, rules))
	}
	for range rounds {
		for i, rules := range sizes {
			var sum, worst float64
			asked := questions(rules)
			for _, q := range asked {
				start := time.Now()
				for range times {
					all[i].Decide(q)
				}
				took := float64(time.Since(start).Nanoseconds()) / times
				sum, worst = sum+took, max(worst, took)
				allocations += testing.AllocsPerRun(1, func() { all[i].Decide(q) })
			}
			mean[rules], slowest[rules] = append(mean[rules], sum/float64(len(asked))), append(slowest[rules], worst)
		}
	}
	for _, rules := range sizes {
		s.add(fmt.Sprintf("decision among %d rules of all kinds, %d groups", rules, min(manyGroups, rules/2)),
			fmt.Sprintf("%.2f µs, slowest question %.2f µs, %g allocations", median(mean[rules])/1e3, median(slowest[rules])/1e3, allocations),
			"under 20 µs, 0 allocations", judge(median(slowest[rules]) < most && allocations == 0))
	}
	ratio := median(mean[manyRules]) / median(mean[sizes[0]])
	const order = 10
	s.add("the same, 100000 rules by 1000 rules", fmt.Sprintf("%.1f", ratio), "same order of magnitude", judge(ratio < order))
}

// loaded is what a process of its own tells about loading a policy.
type loaded struct {
	Bare, Load, BareCPU, LoadCPU time.Duration
	Before, After                float64 // the most memory that was resident, in MB
	Live                         float64 // the heap that is in use afterwards, in MB
}

// policyChild is the variable that makes TestPolicyChild measure.
const policyChild = "WHARFGATE_BENCH_POLICY"

// loads reads a policy in processes of their own and takes the median.
func (s *session) loads(t testing.TB) {
	const rounds, longest, most = 5, 2.0, 300
	file := filepath.Join(t.TempDir(), "policy.yaml")
	writeFile(t, file, string(policymix.Document(manyRules)))
	var bare, load, bareCPU, loadCPU, ratio, resident, live []float64
	for range rounds {
		l := loadInChild(t, file)
		bare, load = append(bare, l.Bare.Seconds()), append(load, l.Load.Seconds())
		bareCPU, loadCPU = append(bareCPU, l.BareCPU.Seconds()), append(loadCPU, l.LoadCPU.Seconds())
		ratio = append(ratio, l.LoadCPU.Seconds()/l.BareCPU.Seconds())
		resident, live = append(resident, l.After), append(live, l.Live)
	}
	s.add("load and compile of 100000 rules", fmt.Sprintf("%.2f s (%s)", median(load), spread("%.2f", load)), "under 2 s", judge(median(load) < longest))
	s.add("the same, processor time", fmt.Sprintf("%.2f s (%s)", median(loadCPU), spread("%.2f", loadCPU)), "", none)
	s.add("the YAML library's part: a bare tree of the same bytes", fmt.Sprintf("%.2f s, processor time %.2f s", median(bare), median(bareCPU)), "", none)
	s.add("load by bare tree, processor time", fmt.Sprintf("%.1f", median(ratio)), "", none)
	s.add("resident memory at most while it loads", fmt.Sprintf("%.0f MB (%s)", median(resident), spread("%.0f", resident)), "under 300 MB", judge(median(resident) < most))
	s.add("heap in use after it, with the text", fmt.Sprintf("%.0f MB", median(live)), "", none)
}

// loadInChild loads a file in a process of its own.
func loadInChild(t testing.TB, file string) loaded {
	t.Helper()
	var l loaded
	for _, what := range []string{"load", "bare"} { // two processes, so that each has its own peak
		out := filepath.Join(t.TempDir(), "figures.json")
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestPolicyChild$") //nolint:gosec // this very program
		cmd.Env = append(os.Environ(), policyChild+"="+what, policyChild+"_FILE="+file, policyChild+"_OUT="+out)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if err := json.Unmarshal([]byte(readFile(out)), &l); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// TestPolicyChild measures in a process of its own, for loadInChild.
func TestPolicyChild(t *testing.T) { //nolint:paralleltest // it is alone in its process
	what, file := os.Getenv(policyChild), os.Getenv(policyChild+"_FILE")
	if what == "" {
		return // nobody asks for figures
	}
	figures := map[string]any{}
	start, before := time.Now(), processorTime(t)
	if what == "bare" {
		loader, err := yaml.NewLoader(bytes.NewReader([]byte(readFile(file))))
		if err != nil {
			t.Fatal(err)
		}
		var root yaml.Node
		if err := loader.Load(&root); err != nil {
			t.Fatal(err)
		}
		figures["Bare"], figures["BareCPU"] = time.Since(start), processorTime(t)-before
	} else {
		var live policy.Live
		w, err := policyfile.NewWatcher(policyfile.WatcherOptions{Path: file, Options: policymix.Options(), Live: &live})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		figures["Load"], figures["LoadCPU"] = time.Since(start), processorTime(t)-before
		peak, err := strconv.ParseFloat(firstMatch(`VmHWM:\s*(\d+)`, readFile("/proc/self/status")), 64)
		if err != nil {
			t.Fatal(err)
		}
		figures["After"] = peak * 1024 / 1e6
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		figures["Live"] = float64(m.HeapAlloc) / 1e6
		runtime.KeepAlive(w)
	}
	text, err := json.Marshal(figures)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, os.Getenv(policyChild+"_OUT"), string(text))
}

// processorTime is what this process used until now, in all threads.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// displacements is how often the operating system took the processor away from this thread.
func displacements(t testing.TB) int64 {
	t.Helper()
	const thread = 1 // RUSAGE_THREAD of Linux
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		t.Fatal(err)
	}
	return u.Nivcsw
}

// swaps takes how long a decision takes at most while large policies replace each other, beside rounds in which none
// does.
func (s *session) swaps(t testing.TB) {
	const rounds, most = 7, 1.0
	live := &policy.Live{}
	both := []*policy.Policy{mixed(t, manyRules), mixed(t, manyRules)}
	live.Swap(both[0])
	var without, with, swap []float64
	for range rounds {
		without = append(without, longestDecision(t, live, time.Second, nil))
		with = append(with, longestDecision(t, live, time.Second, func(ctx context.Context) {
			for i := 0; ctx.Err() == nil; i++ {
				start := time.Now()
				live.Swap(both[i%2])
				swap = append(swap, time.Since(start).Seconds()*1e6)
				pause(ctx, time.Millisecond)
			}
		}))
	}
	s.add("longest decision, no swaps", fmt.Sprintf("%.2f ms (%s)", median(without), spread("%.2f", without)), "", none)
	s.add("longest decision, a swap of 100000 rules each ms", fmt.Sprintf("%.2f ms (%s)", median(with), spread("%.2f", with)),
		"at most 1 ms more", judge(median(with) < median(without)+most))
	s.add("one swap", fmt.Sprintf("%.2f µs", median(swap)), "", none)
	s.reloads(t, live)
}

// reloads takes the same while a file is read and compiled again and again, garbage collection included.
func (s *session) reloads(t testing.TB, live *policy.Live) {
	const rounds = 3
	data := policymix.Document(manyRules)
	var with, stopped []float64
	for range rounds {
		before := stops(t)
		with = append(with, longestDecision(t, live, 3*time.Second, func(ctx context.Context) {
			for ctx.Err() == nil {
				p, err := policyfile.Parse("policy.yaml", data, policymix.Options()) //nolint:contextcheck // it asks nobody
				if err != nil {
					t.Error(err)
					return
				}
				live.Swap(p)
			}
		}))
		stopped = append(stopped, longestStop(t, before))
	}
	s.add("longest decision while 100000 rules are read, compiled and swapped without a rest", fmt.Sprintf("%.2f ms (%s)", median(with), spread("%.2f", with)),
		"", none)
	s.add("longest stop of the world meanwhile, with the waits for the processor", fmt.Sprintf("%.2f ms (%s)", median(stopped), spread("%.2f", stopped)), "", none)
}

// longestDecision decides for some time on one thread and gives the longest time that a decision took, in ms. Those
// do not count during which the operating system gave the processor to another thread: on a machine that is shared
// they would tell of that machine alone. A stop of the world does count: there the thread waits by itself.
func longestDecision(t testing.TB, live *policy.Live, d time.Duration, meanwhile func(context.Context)) float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var wg sync.WaitGroup
	if meanwhile != nil {
		wg.Go(func() { meanwhile(ctx) })
	}
	asked := questions(manyRules)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	longest := time.Duration(0)
	for i := 0; ctx.Err() == nil; i++ {
		displaced, start := displacements(t), time.Now()
		live.Load().Decide(asked[i%len(asked)])
		if took := time.Since(start); took > longest && displacements(t) == displaced {
			longest = took
		}
	}
	wg.Wait()
	return longest.Seconds() * 1e3
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
