package ldap_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// Tags of LDAP operations and result codes (RFC 4511).
const (
	opBind, opBindResponse         = 0, 1
	opUnbind                       = 2
	opSearch, opEntry, opDone      = 3, 4, 5
	opExtended, opExtendedResponse = 23, 24
)

// object is one entry of a fake directory.
type object struct {
	dn         string
	attributes map[string][]string
}

// request is what a fake server was asked.
type request struct {
	op       ber.Tag
	id       int64
	dn       string // of a bind or the base of a search
	password string
	pageSize int64
	packet   *ber.Packet
}

// answer replaces what a fake server would say. The zero answer is silence.
type answer struct {
	code     int64
	result   bool // send the result code
	controls *ber.Packet
	raw      []byte // send this instead
	hangUp   bool   // close the connection after what was sent
}

// session is one connection of a fake server.
type session struct {
	conn     net.Conn
	raw      net.Conn // below TLS
	identity string   // DN of the last bind
	binds    []string
	searches int
}

// fakeServer is a small LDAP server in process. Its script may answer in its place.
type fakeServer struct {
	objects   []object
	passwords map[string]string // by normal DN
	maxPage   int64             // the largest page that it serves
	limit     int               // size limit of a search without pages; zero means none
	noEntryDN bool              // entryDN is not known
	tls       *tls.Config       // for StartTLS
	mute      bool              // say nothing after StartTLS
	domain    bool              // be a domain controller
	onlyDN    bool              // take no GUID as the name of a bind

	mu       sync.Mutex
	script   func(request) *answer // nil answers by itself
	away     error                 // what dialing gives
	sessions []*session
	dials    int
	requests []request
}

// serviceDN is the service account of every fake directory.
const serviceDN = "cn=svc,dc=example,dc=org"

// newFakeServer makes a server with the company of newCompany.
func newFakeServer() *fakeServer {
	s := &fakeServer{passwords: map[string]string{serviceDN: "service"}, maxPage: 1000}
	newCompany(s)
	return s
}

// dial is the Dialer of a Backend.
func (s *fakeServer) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials++
	if s.away != nil {
		return nil, s.away
	}
	client, conn := net.Pipe()
	if s.tls != nil { // an alert may cross with what the other side writes
		var err error
		if client, conn, err = socketPair(ctx); err != nil {
			return nil, err
		}
	}
	c := &session{conn: conn, raw: conn}
	s.sessions = append(s.sessions, c)
	go s.serve(c)
	return client, nil
}

// socketPair connects two sockets.
func socketPair(ctx context.Context) (client, server net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = l.Close() }()
	client, err = new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	server, err = l.Accept()
	return client, server, err
}

// serve answers one connection until it breaks. It reads ahead, as a socket's buffer would.
func (s *fakeServer) serve(c *session) {
	defer func() { _ = c.raw.Close() }()
	const ahead = 1024
	packets := make(chan *ber.Packet, ahead)
	next := make(chan struct{}, 1) // StartTLS must not be read past
	go func() {
		defer close(packets)
		for {
			packet, err := ber.ReadPacket(c.conn)
			if err != nil {
				return
			}
			packets <- packet
			if packet.Children[1].Tag == opExtended {
				<-next
			}
		}
	}()
	defer close(next)
	for packet := range packets {
		if !s.handle(c, packet) {
			return
		}
		if packet.Children[1].Tag == opExtended {
			next <- struct{}{}
		}
	}
}

// handle answers one request and reports whether the connection goes on.
func (s *fakeServer) handle(c *session, packet *ber.Packet) bool {
	r := parseRequest(packet)
	s.mu.Lock()
	s.requests = append(s.requests, r)
	script := s.script
	switch r.op {
	case opBind:
		c.identity = r.dn
		c.binds = append(c.binds, r.dn)
	case opSearch:
		c.searches++
	}
	s.mu.Unlock()
	if r.op == opUnbind {
		return false
	}
	if script != nil {
		if a := script(r); a != nil {
			return c.say(r, a)
		}
	}
	switch r.op {
	case opBind:
		return c.say(r, &answer{result: true, code: s.checkPassword(r)})
	case opSearch:
		return s.search(c, r)
	case opExtended:
		return s.startTLS(c, r)
	}
	return false
}

// say sends an answer.
func (c *session) say(r request, a *answer) bool {
	var out []byte
	switch {
	case a.raw != nil:
		out = a.raw
	case a.result:
		out = result(r, a.code, a.controls)
	}
	if len(out) > 0 {
		if _, err := c.conn.Write(out); err != nil {
			return false
		}
	}
	return !a.hangUp
}

// startTLS goes on under TLS.
func (s *fakeServer) startTLS(c *session, r request) bool {
	if s.tls == nil && !s.mute {
		return c.say(r, &answer{result: true, code: 2})
	}
	if !c.say(r, &answer{result: true}) {
		return false
	}
	if s.mute {
		_, _ = c.conn.Read(make([]byte, 1))
		return false
	}
	c.conn = tls.Server(c.conn, s.tls)
	return true
}

// checkPassword gives the result code of a bind.
func (s *fakeServer) checkPassword(r request) int64 {
	name := r.dn
	if !s.onlyDN {
		name = s.named(name)
	}
	key, err := identity.NormalDN(name)
	if err != nil {
		return 34
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if want, ok := s.passwords[key]; !ok || want != r.password {
		return 49
	}
	return 0
}

// search answers a search, in pages if it is asked to.
func (s *fakeServer) search(c *session, r request) bool {
	found := s.find(r)
	code, cookie, most := int64(0), "", len(found)
	switch {
	case r.pageSize > s.maxPage:
		most, code = 0, 11
	case r.pageSize > 0:
		from := 0
		if text := pageCookie(r.packet); text != "" {
			from = int(text[0])
		}
		found = found[from:]
		most = min(len(found), int(r.pageSize))
		if most < len(found) {
			cookie = string([]byte{byte(from + most)})
		}
	case s.limit > 0 && len(found) > s.limit:
		most, code = s.limit, 4
	}
	if limit := r.packet.Children[1].Children[3].Value.(int64); limit > 0 && int(limit) < most {
		most, code = int(limit), 4
	}
	for _, o := range found[:most] {
		if _, err := c.conn.Write(entry(r.id, o)); err != nil {
			return false
		}
	}
	var controls *ber.Packet
	if r.pageSize > 0 && code == 0 {
		controls = pageControl(cookie)
	}
	return c.say(r, &answer{result: true, code: code, controls: controls})
}

// find gives the objects that a search matches.
func (s *fakeServer) find(r request) []object {
	op := r.packet.Children[1]
	scope := op.Children[1].Value.(int64)
	base, err := identity.NormalDN(s.named(r.dn))
	if err != nil {
		base = r.dn
	}
	if r.dn == "" && s.domain {
		return []object{domainRoot()}
	}
	if r.dn == "" {
		return []object{{attributes: map[string][]string{"objectClass": {"top", "OpenLDAProotDSE"}}}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []object
	for _, o := range s.objects {
		key, err := identity.NormalDN(o.dn)
		if err != nil {
			key = o.dn
		}
		if scope == 0 && key != base || key != base && !strings.HasSuffix(key, ","+base) {
			continue
		}
		if s.matches(op.Children[6], o, key) {
			found = append(found, o)
		}
	}
	return found
}

// matches evaluates a filter: and, or, equality, presence.
func (s *fakeServer) matches(f *ber.Packet, o object, key string) bool {
	test := func(p *ber.Packet) bool { return s.matches(p, o, key) }
	switch f.Tag {
	case 0:
		return !slices.ContainsFunc(f.Children, func(p *ber.Packet) bool { return !test(p) })
	case 1:
		return slices.ContainsFunc(f.Children, test)
	case 3:
		attribute, value := text(f.Children[0]), text(f.Children[1])
		if strings.EqualFold(attribute, "entryDN") {
			want, err := identity.NormalDN(value)
			return !s.noEntryDN && err == nil && want == key
		}
		if s.domain && strings.HasPrefix(attribute, "object") {
			return slices.Contains(o.attributes[attribute], value)
		}
		return slices.ContainsFunc(o.attributes[attribute], func(v string) bool { return same(v, value) })
	case 7:
		return true
	case 2:
		return !test(f.Children[0])
	}
	return false
}

// same compares two values: as DNs where both are, else without case.
func same(a, b string) bool {
	if ka, err := identity.NormalDN(a); err == nil {
		kb, err := identity.NormalDN(b)
		return err == nil && ka == kb
	}
	return strings.EqualFold(a, b)
}

// on sets the script.
func (s *fakeServer) on(script func(request) *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// leave closes every connection and refuses new ones with err; nil lets them in again.
func (s *fakeServer) leave(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = err
	if err == nil {
		return
	}
	for _, c := range s.sessions {
		_ = c.raw.Close()
	}
}

// errRefused is what dialing a fake that is away gives.
var errRefused = errors.New("refused by the test")

// count gives how often an operation was asked for a DN that has the text in it.
func (s *fakeServer) count(op ber.Tag, dn string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.requests {
		if r.op == op && strings.Contains(r.dn, dn) {
			n++
		}
	}
	return n
}

// forget drops what was asked so far.
func (s *fakeServer) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// opened gives how many connections were opened.
func (s *fakeServer) opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dials
}

// slots is a guard.Attempts that writes the outcomes down.
type slots struct {
	mu       sync.Mutex
	reserved int
	outcomes []guard.Outcome
}

func (a *slots) Reserve(context.Context) (settle func(guard.Outcome), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reserved++
	return func(o guard.Outcome) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.outcomes = append(a.outcomes, o)
	}, nil
}

// settled checks that one slot was settled with the outcome.
func (a *slots) settled(t *testing.T, want guard.Outcome) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.reserved != 1 || !slices.Equal(a.outcomes, []guard.Outcome{want}) {
		t.Errorf("%d slots reserved, settled as %v, want one settled as %v", a.reserved, a.outcomes, want)
	}
}

// options gives valid options for fake servers, in order of preference; edit changes them.
func options(edit func(*ldap.Options), servers ...*fakeServer) ldap.Options {
	o := ldap.Options{
		Source: "corp", InsecurePlaintext: true, BindDN: serviceDN, BaseDN: "dc=example,dc=org",
		BindPassword: func() (identity.Secret, error) { return identity.NewSecret("service"), nil },
		Groups:       ldap.Groups{BaseDN: "ou=groups,dc=example,dc=org", Nested: true},
	}
	byAddress := map[string]*fakeServer{}
	for i, s := range servers {
		host := "ldap" + string(rune('1'+i)) + ".example.org"
		o.Servers = append(o.Servers, "ldap://"+host)
		byAddress[host+":389"] = s
	}
	o.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
		return byAddress[address].dial(ctx, network, address)
	}
	if edit != nil {
		edit(&o)
	}
	return o
}

// backend makes a Backend from options.
func backend(t testing.TB, o ldap.Options) *ldap.Backend {
	t.Helper()
	b, err := ldap.New(o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return b
}

// running makes a Backend that runs until the returned stop, which waits for it.
func running(t testing.TB, o ldap.Options) (b *ldap.Backend, stop func()) {
	t.Helper()
	b = backend(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	return b, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}
