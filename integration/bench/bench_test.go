package bench_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
)

// The flags of the benchmark, behind -args.
var (
	quick = flag.Bool("quick", false, "fewer and shorter rounds, for a first look")
	page  = flag.String("page", "", "write the figures into this page, too")
	long  = flag.Duration("long", 0, "how long the long run is; 0 means 5 minutes, or 20 seconds with -quick")
	only  = flag.String("only", "", "the parts that are measured, with commas: start, near, far, memory, process; domain, times, parallel, failover, users; empty means all")
)

// people is how many accounts the directory has.
const people = 10_000

// plan is how long everything is measured.
type plan struct {
	rounds      int
	round, long time.Duration // whole seconds, as wrk wants them
}

func planned() plan {
	p := plan{rounds: 7, round: 3 * time.Second, long: 5 * time.Minute}
	if *quick {
		p = plan{rounds: 5, round: 2 * time.Second, long: 20 * time.Second}
	}
	if *long > 0 {
		p.long = *long
	}
	return p
}

// BenchmarkGate takes every figure of docs/reference/performance.md in one run. Run it with -benchtime 1x.
func BenchmarkGate(b *testing.B) {
	others, _, _ := strings.Cut(readFile("/proc/loadavg"), " ")
	s := &session{plan: planned(), others: others, directory: startDirectory(b, people), requests: requestsFile(b, people)}
	s.say("directory with %d people is up", people)
	measure(b, []part{{"start", s.starts}, {"near", s.near}, {"far", s.far}, {"memory", s.memory}, {"process", s.inProcess}})
	s.print(b, pageBegin)
}

// part is one part of a benchmark.
type part struct {
	name    string
	measure func(testing.TB)
}

// measure takes the parts that are asked for, one after the other.
func measure(t testing.TB, parts []part) {
	for _, p := range parts {
		if *only == "" || slices.Contains(strings.Split(*only, ","), p.name) {
			p.measure(t)
		}
	}
}

// BenchmarkDirectories takes the figures of logins on real directories: a Samba domain, and slapd with a replica. Run it
// with -benchtime 1x.
func BenchmarkDirectories(b *testing.B) {
	others, _, _ := strings.Cut(readFile("/proc/loadavg"), " ")
	s := &session{plan: planned(), others: others}
	measure(b, []part{{"domain", s.domain}, {"times", s.times}, {"parallel", s.parallel}, {"failover", s.failover}, {"users", s.users}})
	s.print(b, directoriesBegin)
}

// BenchmarkPolicy takes the figures of large policies. Run it with -benchtime 1x.
func BenchmarkPolicy(b *testing.B) {
	others, _, _ := strings.Cut(readFile("/proc/loadavg"), " ")
	s := &session{plan: planned(), others: others}
	s.decisions(b)
	s.loads(b)
	s.swaps(b)
	s.print(b, policyBegin)
}

// near measures a gate beside its directory, with everybody's groups warm.
func (s *session) near(t testing.TB) {
	p := startProgram(t, s.directory.url, warmFor("24h"))
	s.operations(t, p)
	s.say("warming %d people", people)
	s.cold = warm(t, p.URL, people)
	s.throughput(t, p)
	s.latency(t, p)
	stop(t, p)
}

// session is one run.
type session struct {
	plan
	report

	others    string // the machine's load average before anything was started
	directory *directory
	requests  string
	cold      float64 // tokens a second while everybody asked for the first time
}

// say tells who waits what is going on.
func (*session) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}

func stop(t testing.TB, p *program) {
	t.Helper()
	if err := p.process.Stop(); err != nil {
		t.Fatal(err)
	}
}

// starts takes the time from the start of the program until it is ready.
func (s *session) starts(t testing.TB) {
	const times, target = 5, 300
	took := restarts(t, times, s.directory.url)
	s.add("start to ready", fmt.Sprintf("%.0f ms (%s)", median(took), spread("%.0f", took)), "under 300 ms", judge(median(took) < target))
}

// operations counts what tokens cost the directory, by slapd's own count.
func (s *session) operations(t testing.TB, p *program) {
	const some, most = 20, 5
	d := s.directory
	warm(t, p.URL, 1) // opens the connections for searches
	coldest := 0
	for i := range some {
		before := d.look(t)
		s.token(t, p, i+1, password, http.StatusOK)
		coldest = max(coldest, d.look(t).minus(before).all())
	}
	s.add("LDAP operations, cold token", fmt.Sprintf("%d", coldest), "at most 5, 1 more a level of nesting", judge(coldest <= most))
	before := d.look(t)
	for i := range some {
		s.token(t, p, i+1, password, http.StatusOK)
	}
	o := d.look(t).minus(before)
	s.add("LDAP operations, warm token", fmt.Sprintf("%g", float64(o.all())/some), "exactly 1", judge(o.all() == some && o.binds == some))
	const wrong = "not the password"
	s.token(t, p, 1, wrong, http.StatusUnauthorized)
	before = d.look(t)
	s.token(t, p, 1, wrong, http.StatusUnauthorized)
	again := d.look(t).minus(before).all()
	s.add("LDAP operations, second try of a wrong password", fmt.Sprintf("%d", again), "0", judge(again == 0))
}

func (s *session) token(t testing.TB, p *program, i int, password string, status int) {
	t.Helper()
	a, err := ask(t.Context(), p.URL, i, password)
	if err != nil || a.status != status {
		t.Fatalf("%s asks: %d, %v, want %d\n%s", login(i), a.status, err, status, a.body)
	}
}

// latency takes the slowest answers at many connections.
func (s *session) latency(t testing.TB, p *program) {
	const connections, most, rounds = 128, 40, 3
	var rates, p50, p99 []float64
	for range rounds {
		l := wrk(t, p.URL, s.requests, connections, s.round)
		rates, p50, p99 = append(rates, l.rate), append(p50, l.p50), append(p99, l.p99)
		s.say("128 connections: %.0f tokens a second, p99 %.1f ms", l.rate, l.p99)
	}
	s.add("tokens, 128 connections", fmt.Sprintf("%.0f/s, p50 %.1f ms", median(rates), median(p50)), "", none)
	s.add("p99 at 128 connections", fmt.Sprintf("%.1f ms (%s)", median(p99), spread("%.1f", p99)), "under 40 ms", judge(median(p99) < most))
}

// far takes the rate where the directory is 2 ms away and 64 clients share 8 bind connections.
func (s *session) far(t testing.TB) {
	const delay, connections, clients, few, least, rounds = 2 * time.Millisecond, 8, 64, 1000, 0.8, 3
	far := startDelayer(t, s.directory.address, delay)
	p := startProgram(t, "ldap://"+far.address, warmFor("24h"), func(g gate.Settings) {
		g.Directory()["bind_connections"] = gate.Settings{"min": connections, "max": connections}
	})
	requests := requestsFile(t, few)
	warm(t, p.URL, few)
	bind := 1 / newBinder(t, s.directory, 1).rate(t, s.round)
	limit := connections / (delay.Seconds() + bind)
	behind := *s.directory
	behind.url = "ldap://" + far.address
	binder := newBinder(t, &behind, connections)
	var rates, bare []float64
	for range rounds {
		bare = append(bare, binder.rate(t, s.round))
		rates = append(rates, wrk(t, p.URL, requests, clients, s.round).rate)
		s.say("2 ms away: %.0f bare binds, %.0f tokens a second of %.0f", bare[len(bare)-1], rates[len(rates)-1], limit)
	}
	s.add("bind time, one connection", fmt.Sprintf("%.0f µs", bind*1e6), "", none)
	s.add("bare binds, directory 2 ms away, 8 connections", fmt.Sprintf("%.0f/s of %.0f/s: %.2f", median(bare), limit, median(bare)/limit), "", none)
	s.add("tokens, directory 2 ms away, 8 bind connections, 64 clients", fmt.Sprintf("%.0f/s of %.0f/s: %.2f", median(rates), limit, median(rates)/limit),
		"at least 0.8", judge(median(rates) >= least*limit))
	stop(t, p)
}

// memory watches a gate with the default configuration for a long time.
func (s *session) memory(t testing.TB) {
	const connections, most, growth, parts = 16, 60, 1.05, 5
	p := startProgram(t, s.directory.url)
	idle, _ := resident(t, p.process)
	warm(t, p.URL, people)
	warmed, _ := resident(t, p.process)
	s.add("resident memory, just started", fmt.Sprintf("%.0f MB", idle), "", none)
	s.add("resident memory, 10,000 warm users", fmt.Sprintf("%.0f MB", warmed), "under 60 MB", judge(warmed < most))
	s.say("long run, %v", s.long)
	watched := s.watch(t, p, connections)
	part := max(len(watched)/parts, 1)
	early, late := median(watched[part:min(2*part, len(watched))]), median(watched[len(watched)-part:])
	top := slices.Max(watched)
	s.add("resident memory under load", fmt.Sprintf("%.0f MB at most", top), "", none)
	s.add(fmt.Sprintf("growth over %v of load", s.long), fmt.Sprintf("%+.1f MB (%.0f to %.0f)", late-early, early, late),
		"none (within 5 %)", judge(late <= early*growth))
	stop(t, p)
}

// watch takes the memory of a gate each second while it is under load.
func (s *session) watch(t testing.TB, p *program, connections int) []float64 {
	t.Helper()
	done := make(chan load, 1)
	go func() { done <- wrk(t, p.URL, s.requests, connections, s.long) }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var seen []float64
	for {
		select {
		case l := <-done:
			s.add(fmt.Sprintf("tokens over %v, default cache times", s.long), fmt.Sprintf("%.0f/s, p99 %.1f ms", l.rate, l.p99), "", none)
			return seen
		case <-tick.C:
			now, _ := resident(t, p.process)
			seen = append(seen, now)
			p.truncate(t)
		}
	}
}

// inProcess takes what needs no second process: memory that one token takes anew, and one decision.
func (s *session) inProcess(t testing.TB) {
	const tokens = 20_000
	c := warmCost(t, startInProcess(t, s.directory), tokens)
	s.add("allocations, warm token", fmt.Sprintf("%.1f", c.allocations), "at most 130", judge(c.allocations <= aimAllocations))
	s.add("new memory, warm token", fmt.Sprintf("%.1f KiB", c.bytes/1024), "at most 24 KiB", judge(c.bytes <= aimBytes))
	const groups, most = 200, 10 * time.Microsecond
	for _, rules := range []int{1_000, 10_000} {
		took, allocations := decision(t, rules, groups)
		s.add(fmt.Sprintf("decision among %d rules, %d groups", rules, groups), fmt.Sprintf("%.2f µs, %g allocations", float64(took)/1e3, allocations),
			"under 10 µs, none that grows", judge(took < most && allocations == 0))
	}
}

// print shows the figures and, if asked to, writes them into the page behind a mark.
func (s *session) print(t testing.TB, begin string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s Rounds: %d of %v. Load average before the run: %s.\n\n%s\n",
		surroundings(t), s.rounds, s.round, s.others, s.table())
	if m := s.missed(); len(m) > 0 {
		fmt.Fprintf(&b, "Targets missed in this run:\n\n")
		for _, line := range m {
			fmt.Fprintf(&b, "- %s.\n", line)
		}
	} else {
		b.WriteString("Every target was met in this run.\n")
	}
	b.WriteString("\n")
	fmt.Fprint(os.Stdout, b.String())
	if *page != "" {
		writePage(t, *page, begin, b.String())
	}
}
