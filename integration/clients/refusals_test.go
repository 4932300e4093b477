package clients_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// The gate's words for who is refused.
const (
	wrongText     = "wrong or missing user name or password"
	throttledText = "too many failed logins, try again later"
	downText      = "the login service is temporarily unavailable, try again"
)

// maxFailures is how many failed binds an account may have before it is throttled.
const maxFailures = 3

// refusal is something that a client is refused.
type refusal struct {
	title string
	// user is who asks: a name, or empty for somebody of the client's own.
	user string
	// password is what is typed, or empty for the right one.
	password string
	// login logs in; else there are stored credentials and what follows is done with them.
	login bool
	// down is the gate whose directory is down.
	down bool
	// push pushes, else pulls.
	push bool
	// words are the gate's, where it is the gate that refuses.
	words string
}

func refusals() []refusal {
	return []refusal{
		{title: "Wrong password, login", password: "a wrong password", login: true, words: wrongText},
		{title: "Wrong password stored, pull", password: "a wrong password", words: wrongText},
		{title: "Throttled, login", login: true, words: throttledText},
		{title: "Throttled, pull", words: throttledText},
		{title: "Directory down, login", user: "alice", login: true, down: true, words: downText},
		{title: "Directory down, pull", user: "alice", down: true, words: downText},
		{title: "May not pull", user: "carol"},
		{title: "May pull and pushes", user: "nora", push: true},
	}
}

// TestWhatAHumanSees: each program is refused in every way on both registries. What it shows is on the page.
func TestWhatAHumanSees(t *testing.T) {
	t.Parallel()
	c := shared(t)
	for _, p := range programs() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			var attempts []*attempt
			for _, r := range refusals() {
				for _, service := range []string{service2, service3} {
					a := &attempt{refusal: r, company: c, program: p, service: service, tool: p.install(t)}
					a.prepare(t)
					attempts = append(attempts, a)
				}
			}
			var all sync.WaitGroup // most of them wait for a while before they try again
			for _, a := range attempts {
				all.Go(func() { a.try(t) })
			}
			all.Wait()
			var text strings.Builder
			for pair := range slices.Chunk(attempts, 2) {
				text.WriteString(shown(pair[0], pair[1]))
			}
			thePage(t).says(t, p.name, p.version(t), text.String()+"\n")
		})
	}
}

// attempt is one refusal of one program on one registry.
type attempt struct {
	refusal

	company *company
	program program
	service string
	tool    *client.Client
	image   string
	// binds and asked are how many binds and requests the account has had before.
	binds, asked int

	// said is what the program showed, asks how often it asked for a token.
	said string
	asks int
}

// place is where the attempt is made.
func (a *attempt) place() place {
	if a.down {
		return a.company.down
	}
	return a.company.up
}

// prepare fills in who asks: somebody of the attempt's own, throttled where that is what will be refused.
func (a *attempt) prepare(t *testing.T) {
	t.Helper()
	if a.push {
		a.image = client.Image(t, 1)
	}
	if a.user != "" {
		return
	}
	a.user = a.company.somebody(t)
	if a.password == "" {
		for i := range maxFailures {
			answer, err := a.place().gate.Asker(a.service).Ask(t.Context(), a.user, "guess "+strconv.Itoa(i))
			if err != nil || answer.Status != http.StatusUnauthorized {
				t.Fatalf("guess %d = %d, %v, want 401", i, answer.Status, err)
			}
		}
		a.binds, a.asked = a.company.binds(t, a.user), a.requests(t)
	}
}

// try does what will be refused and keeps what the program shows. A wrong password costs one bind, however often the
// program tries it (P32); a throttled account costs none (P34).
func (a *attempt) try(t *testing.T) {
	t.Helper()
	password, host, want := a.password, a.place().hosts[a.service], 1
	if password == "" {
		password, want = a.company.directory.Password, 0
	}
	var out string
	var err error
	switch {
	case a.login:
		if !a.tool.LogsIn() {
			return
		}
		out, err = a.tool.Login(t.Context(), host, a.user, password)
		if err == nil {
			a.said = "nothing: it stores what it is given and asks nobody"
			return
		}
	case a.push:
		a.tool.Remember(t, map[string]string{host: a.user + ":" + password})
		out, err = a.tool.Push(t.Context(), a.image, host+"/"+image+":2")
	default:
		a.tool.Remember(t, map[string]string{host: a.user + ":" + password})
		out, err = a.tool.Pull(t.Context(), host+"/"+image+":1")
	}
	failure, ok := errors.AsType[*client.RunError](err)
	switch {
	case errors.Is(err, client.ErrNoCommand):
		return
	case !ok:
		t.Errorf("%s on %s: %v, want a refusal\n%s", a.title, a.service, err, out)
		return
	}
	a.said = a.plain(failure)
	if a.words != "" && !a.down {
		a.asks = a.requests(t) - a.asked
		if got := a.company.binds(t, a.user) - a.binds; got != want {
			t.Errorf("%s on %s: %d binds, want %d", a.title, a.service, got, want)
		}
	}
	a.wantWords(t)
}

// wantWords fails unless the program shows the gate's own words where it can.
func (a *attempt) wantWords(t *testing.T) {
	t.Helper()
	can := a.program.pull
	switch {
	case a.down:
		can = a.program.down
	case a.login:
		can = a.program.login
	}
	if can && !strings.Contains(a.said, a.words) {
		t.Errorf("%s on %s shows\n%s\nwithout the gate's words: %s", a.title, a.service, a.said, a.words)
	}
}

// requests counts the account's requests in the gate's log, once it says nothing new: a line is written after its answer.
func (a *attempt) requests(t *testing.T) int {
	t.Helper()
	const still = 300 * time.Millisecond
	seen, since := a.logged(), time.Now()
	if err := loopback.Poll(t.Context(), soon, func() error {
		if now := a.logged(); now != seen {
			seen, since = now, time.Now()
		}
		if time.Since(since) < still {
			return errors.New("the log goes on")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	return seen
}

// logged counts the lines so far.
func (a *attempt) logged() int {
	n := 0
	for _, line := range a.place().gate.Process.Err.Lines() {
		if strings.Contains(line, `"msg":"request"`) && strings.Contains(line, `"account":"`+a.user+`@corp"`) {
			n++
		}
	}
	return n
}

// plain is what the program showed without what is different each time.
func (a *attempt) plain(f *client.RunError) string {
	text := strings.TrimSpace(f.Stderr)
	if text == "" {
		text = strings.TrimSpace(f.Output)
	}
	gateHost := strings.TrimPrefix(a.place().gate.URL, "http://")
	text = strings.NewReplacer(
		a.place().hosts[a.service], "registry.example", gateHost, "gate.example", a.service, "registry.example",
		a.user, "alice", "http://", "https://",
	).Replace(text)
	for _, change := range varying {
		text = change.what.ReplaceAllString(text, change.by)
	}
	return text
}

// varying is what differs from one run to the next.
var varying = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`(?m)^time=\S+ level=(info|error|WARN) .*\n`), ""}, // logs, which come in any number and order
	{regexp.MustCompile(`(?m)^(Copying|Getting|Trying) .*\n`), ""},         // progress
	{regexp.MustCompile(`time="[^"]*" level=fatal msg=`), ""},
	{regexp.MustCompile(`\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `), ""},
	{regexp.MustCompile(`[0-9a-f]{64}`), "..."},
	{regexp.MustCompile(`/tmp/\S+/`), ""},
	{regexp.MustCompile(`[ \t]+\n`), "\n"},
}

// shown is what the page says of a refusal on the two registries.
func shown(v2, v3 *attempt) string {
	heading, times := "\n**"+v3.title+"**", ""
	if v3.asks > 1 {
		times = fmt.Sprintf(" (asks %d times)", v3.asks)
	}
	switch {
	case v3.said == "":
		return heading + ": it has no command for that.\n"
	case strings.HasPrefix(v3.said, "nothing"):
		return heading + ": " + v3.said + ".\n"
	case v2.said == v3.said:
		return heading + times + "\n\n```text\n" + v3.said + "\n```\n"
	default:
		return heading + times + "\n\n```text\n" + v2.said + "\n```\n\nand on distribution 3\n\n```text\n" + v3.said + "\n```\n"
	}
}
