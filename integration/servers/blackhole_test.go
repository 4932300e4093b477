package servers_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/need"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// namespace is a network namespace with one way into it.
type namespace struct {
	name, address string
}

// newNamespace makes a namespace that lasts as long as the test, or skips the test where that is not allowed.
func newNamespace(t *testing.T) namespace {
	t.Helper()
	need.Tools(t, "ip", "iptables", "ss")
	if os.Getuid() != 0 {
		need.Skip(t, "a network namespace needs root")
	}
	id := os.Getpid() % (1 << 14) // a part of 10.192.0.0/10 of four addresses
	n := namespace{name: fmt.Sprintf("wharfgate%d", os.Getpid())}
	near := fmt.Sprintf("10.%d.%d.%d", 192+id>>12, id>>6&0x3f, id&0x3f<<2+1)
	n.address = fmt.Sprintf("10.%d.%d.%d", 192+id>>12, id>>6&0x3f, id&0x3f<<2+2)
	outside, inside := fmt.Sprintf("wga%d", id), fmt.Sprintf("wgb%d", id)
	if out, err := exec.CommandContext(t.Context(), "ip", "netns", "add", n.name).CombinedOutput(); err != nil {
		need.Skip(t, "a network namespace cannot be made here: "+string(out))
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", n.name).Run() }) //nolint:noctx // after the test
	run(t, "ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", n.name)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", outside).Run() }) //nolint:gosec,noctx // after the test
	run(t, "ip", "address", "add", near+"/30", "dev", outside)
	run(t, "ip", "link", "set", outside, "up")
	n.run(t, "ip", "address", "add", n.address+"/30", "dev", inside)
	n.run(t, "ip", "link", "set", inside, "up")
	n.run(t, "ip", "link", "set", "lo", "up")
	return n
}

// run runs a command in the namespace.
func (n namespace) run(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, append([]string{"ip", "netns", "exec", n.name}, args...)...)
}

// run runs a command and returns what it says.
func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput() //nolint:gosec // of this test
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// forgetConnections drops what comes in over the connections that a port has now, as a firewall does that has forgotten
// them. New ones work.
func (n namespace) forgetConnections(t *testing.T, port string) int {
	t.Helper()
	peers := regexp.MustCompile(`:`+port+`\s+\S+:(\d+)`).FindAllStringSubmatch(n.run(t, "ss", "-Htn", "sport", "=", ":"+port), -1)
	for _, p := range peers {
		n.run(t, "iptables", "-A", "INPUT", "-p", "tcp", "--sport", p[1], "-j", "DROP")
	}
	return len(peers)
}

// portOf is the port of a URL.
func portOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// TestLDAP45_BlackHole: packets vanish and nobody says so. The next login is answered within 5 s; where there is another
// server, with a token.
func TestLDAP45_BlackHole(t *testing.T) {
	t.Parallel()
	n := newNamespace(t)
	first := slapd.Start(t, slapd.Options{Replica: true, Namespace: n.name, Address: n.address})
	second := first.Replica()
	both := start(t, first, uncached, servers(first.URL, second.URL))
	alone := start(t, first, uncached)
	port := portOf(t, first.URL)
	warm := func(g *gate.Gate) {
		t.Helper()
		load := startLoad(t, g, first.Password, clients)
		load.Await(t, http.StatusOK, 20*clients)
		load.Stop(t)
	}
	warm(both)
	warm(alone)

	// A firewall forgets connections, and the server is well.
	if dead := n.forgetConnections(t, port); dead < 2*clients {
		t.Fatalf("%d connections to forget, want those of two gates", dead)
	}
	answer := alone.Ask(t, "alice", first.Password)
	if answer.Took > worst+slack || answer.Status != http.StatusOK && answer.Status != http.StatusServiceUnavailable {
		t.Errorf("at the only server: %d after %v, want an answer within %v", answer.Status, answer.Took, worst)
	}
	t.Logf("at the only server: %d after %v", answer.Status, answer.Took)
	if answer := alone.MustGrant(t, "nora", first.Password); answer.Took > time.Second {
		t.Errorf("the one after it took %v, want the dead connections known", answer.Took)
	}
	if answer := both.MustGrant(t, "alice", first.Password); answer.Took > worst {
		t.Errorf("with another server: after %v, want %v at most", answer.Took, worst)
	}

	// The server itself vanishes.
	warm(both)
	n.run(t, "iptables", "-A", "INPUT", "-p", "tcp", "--dport", port, "-j", "DROP")
	for i := range 8 {
		answer := both.Ask(t, person(i), first.Password)
		if answer.Took > worst+slack || i > 0 && answer.Status != http.StatusOK || i > 2 && answer.Took > time.Second {
			t.Errorf("request %d without the first server: %d after %v", i+1, answer.Status, answer.Took)
		}
		if answer := alone.Ask(t, person(i), first.Password); answer.Took > worst+slack || answer.Status != http.StatusServiceUnavailable {
			t.Errorf("request %d without any server: %d after %v, want 503 within %v", i+1, answer.Status, answer.Took, worst)
		}
	}
	n.run(t, "iptables", "-F")
	awaitGrant(t, alone, "alice", first.Password)
	awaitUse(t, both, first, recovery)
}
