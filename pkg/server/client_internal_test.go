package server

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// proxies are the trusted networks of tests.
func proxies() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
}

func TestClientAddr(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, remote string
		forwarded    []string
		want         string
		fromProxy    bool
	}{
		{"untrusted peer", "192.0.2.9:1", []string{"198.51.100.7"}, "192.0.2.9", false},
		{"untrusted IPv6 peer", "[2001:db8::1]:443", []string{"198.51.100.7"}, "2001:db8::1", false},
		{"no header", "10.1.1.1:1", nil, "10.1.1.1", true},
		{"empty header", "10.1.1.1:1", []string{""}, "10.1.1.1", true},
		{"one hop", "10.1.1.1:1", []string{"198.51.100.7"}, "198.51.100.7", true},
		{"what the client invented is left of it", "10.1.1.1:1", []string{"1.1.1.1, 198.51.100.7"}, "198.51.100.7", true},
		{"a trusted address that the client invented", "10.1.1.1:1", []string{"10.9.9.9, 198.51.100.7"}, "198.51.100.7", true},
		{"chain of proxies", "10.1.1.1:1", []string{"1.1.1.1, 198.51.100.7, 10.2.2.2,10.3.3.3"}, "198.51.100.7", true},
		{"several headers", "10.1.1.1:1", []string{"1.1.1.1", "198.51.100.7 ,10.2.2.2", "10.3.3.3"}, "198.51.100.7", true},
		{"an empty header among them", "10.1.1.1:1", []string{"198.51.100.7", ""}, "198.51.100.7", true},
		{"only proxies", "10.1.1.1:1", []string{"10.2.2.2, 10.3.3.3"}, "10.2.2.2", true},
		{"with port", "10.1.1.1:1", []string{"198.51.100.7:4711"}, "198.51.100.7", true},
		{"IPv6", "10.1.1.1:1", []string{"2001:db8::7"}, "2001:db8::7", true},
		{"IPv6 in brackets", "10.1.1.1:1", []string{"[2001:db8::7]"}, "2001:db8::7", true},
		{"IPv6 with port", "10.1.1.1:1", []string{"[2001:db8::7]:80"}, "2001:db8::7", true},
		{"IPv6 with zone", "10.1.1.1:1", []string{"2001:db8::7%eth0"}, "2001:db8::7", true},
		{"IPv4 as IPv6", "10.1.1.1:1", []string{"::ffff:198.51.100.7"}, "198.51.100.7", true},
		{"IPv4 peer as IPv6", "[::ffff:10.1.1.1]:80", []string{"198.51.100.7"}, "198.51.100.7", true},
		{"IPv6 proxies", "[fd00::1]:80", []string{"2001:db8::7, fd00::2"}, "2001:db8::7", true},
		{"junk ends the walk", "10.1.1.1:1", []string{"198.51.100.7, unknown, 10.2.2.2"}, "10.2.2.2", true},
		{"junk alone", "10.1.1.1:1", []string{"unknown"}, "10.1.1.1", true},
		{"an empty hop ends the walk", "10.1.1.1:1", []string{"198.51.100.7, ,10.2.2.2"}, "10.2.2.2", true},
		{"bracketed IPv4", "10.1.1.1:1", []string{"[198.51.100.7]"}, "10.1.1.1", true},
		{"peer without a port", "10.1.1.1", []string{"198.51.100.7"}, "198.51.100.7", true},
		{"peer of a socket file", "@", []string{"198.51.100.7"}, "invalid IP", false},
		{"endless chain", "10.1.1.1:1", []string{"198.51.100.7" + strings.Repeat(",10.2.2.2", 1000)}, "10.2.2.2", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, fromProxy := clientAddr(tt.remote, http.Header{"X-Forwarded-For": tt.forwarded}, proxies())
			if got.String() != tt.want || fromProxy != tt.fromProxy {
				t.Errorf("clientAddr(%q, %q) = %v, %v, want %s, %v", tt.remote, tt.forwarded, got, fromProxy, tt.want, tt.fromProxy)
			}
		})
	}
}

// FuzzClientAddr: an untrusted peer is never replaced; and whatever a client writes left of what the last
// proxy adds, the answer is what that proxy saw.
func FuzzClientAddr(f *testing.F) {
	for _, s := range []string{"", "1.2.3.4", "10.0.0.1, 1.2.3.4", "[::1]:80, x", "::ffff:10.0.0.1,,", "fe80::1%a", "\x00,\xff", "10.0.0.1:1,[fd00::1]"} {
		f.Add(s, s, "198.51.100.7:1")
	}
	seen := netip.MustParseAddr("203.0.113.5")
	f.Fuzz(func(t *testing.T, one, two, remote string) {
		h := http.Header{"X-Forwarded-For": {one, two}}
		peer := parseHop(remote)
		if got, fromProxy := clientAddr(remote, h, proxies()); !contains(proxies(), peer) && (got != peer || fromProxy) {
			t.Errorf("untrusted peer %q is %v", remote, got)
		}
		if got, _ := clientAddr("10.1.1.1:1", http.Header{"X-Forwarded-For": {one, two + "," + seen.String()}}, proxies()); got != seen {
			t.Errorf("client %v behind %q, %q, want %v", got, one, two, seen)
		}
		got, _ := clientAddr("10.1.1.1:1", h, proxies())
		if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Errorf("client %v behind %q, %q", got, one, two)
		}
	})
}
