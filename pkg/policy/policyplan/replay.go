package policyplan

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/audit"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// maxLine bounds one line of an audit record. A longer one counts as unknown.
const maxLine = 1 << 20

// Replayed is what a replay found.
//
// A record names those groups alone through which a rule decided. So what is lost may still be given to
// somebody by another group of theirs, and a cannot of the new policy that names another group of theirs is
// not seen. The short name of a group is taken to be the cn of its DN.
type Replayed struct {
	// Records and Decisions count what was read: requests, and scopes in them.
	Records   int `json:"records"`
	Decisions int `json:"decisions"`
	// Refused counts the requests that were refused before any policy was asked.
	Refused int `json:"refused"`
	// Unknown counts the lines that are no record of a version that is known.
	Unknown int `json:"unknown_lines"`
	// Unclear counts the decisions that the old policy does not make with what the record tells: another policy
	// was in force, or short names of groups are not their cn. They are not compared.
	Unclear int `json:"unclear"`
	// Changed are the decisions that the new policy makes otherwise, each once, in the order of the first.
	Changed []Redecided `json:"changed"`
}

// Redecided is a decision that the new policy makes otherwise.
type Redecided struct {
	// Kind is person, robot or anonymous; Who the name, with its directory.
	Kind string `json:"kind"`
	Who  string `json:"who,omitempty"`
	// Service and Scope are what was asked for.
	Service string `json:"service"`
	Scope   string `json:"scope"`
	// Gains and Loses are the actions that change.
	Gains []string `json:"gains,omitempty"`
	Loses []string `json:"loses,omitempty"`
	// Rules are those of the new policy that decide, or those of the old one where none does any more.
	Rules []string `json:"rules,omitempty"`
	// Count is how often it was asked, Last when for the last time.
	Count int       `json:"count"`
	Last  time.Time `json:"last"`
}

// Replay decides what an audit record tells again, at the time of each request, and lists what would have been
// decided otherwise. The error is one of reading.
func Replay(before, after *policy.Policy, record io.Reader) (Replayed, error) {
	r := replayer{before: before, after: after, found: map[string]int{}}
	in := bufio.NewReader(record)
	for {
		line, err := readLine(in)
		if len(line) > 0 {
			r.line(line)
		}
		switch {
		case errors.Is(err, io.EOF):
			return r.out, nil
		case err != nil:
			return r.out, fmt.Errorf("read the audit record: %w", err)
		}
	}
}

// readLine reads a line; of one that is too long, the beginning.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, more, err := in.ReadLine()
		if err != nil {
			return line, err
		}
		if len(line) <= maxLine {
			line = append(line, part...)
		}
		if !more {
			return line, nil
		}
	}
}

// replayer replays one record.
type replayer struct {
	before, after *policy.Policy
	out           Replayed
	found         map[string]int
}

// line replays one request.
func (r *replayer) line(line []byte) {
	var record audit.Record
	if len(line) > maxLine || json.Unmarshal(line, &record) != nil || record.Version != audit.Version {
		r.out.Unknown++
		return
	}
	r.out.Records++
	if record.Refused != "" {
		r.out.Refused++
		return
	}
	q := policy.Request{Principal: principal(record.Principal), Service: record.Service, Now: record.Time}
	q.Client, _ = netip.ParseAddr(record.Client.Address) // one that is not known is invalid
	for _, s := range record.Scopes {
		r.out.Decisions++
		q.Scope = registry.Scope{Type: s.Type, Name: s.Name, Actions: parseActions(s.Type, s.Asked)}
		r.decide(q, &record, parseActions(s.Type, s.Granted))
	}
}

// decide compares one decision.
func (r *replayer) decide(q policy.Request, record *audit.Record, granted registry.Actions) {
	was, is := r.before.Decide(q), r.after.Decide(q)
	switch {
	case was.Granted != granted:
		r.out.Unclear++
		return
	case was.Granted == is.Granted:
		return
	}
	change := Redecided{
		Kind: record.Principal.Kind, Who: record.Principal.Name, Service: q.Service, Scope: q.Scope.Type + ":" + q.Scope.Name,
		Gains: words(is.Granted &^ was.Granted), Loses: words(was.Granted &^ is.Granted),
	}
	if record.Principal.Directory != "" {
		change.Who += "@" + record.Principal.Directory
	}
	rules := is.Rules()
	if len(rules) == 0 {
		rules = was.Rules()
	}
	for _, rule := range rules {
		change.Rules = append(change.Rules, rule.Position.String())
	}
	key := fmt.Sprint(change)
	i, ok := r.found[key]
	if !ok {
		i = len(r.out.Changed)
		r.found[key] = i
		r.out.Changed = append(r.out.Changed, change)
	}
	r.out.Changed[i].Count++
	r.out.Changed[i].Last = record.Time
}

// principal makes who asked, as far as the record tells.
func principal(p audit.Principal) identity.Principal {
	who := identity.Principal{Source: p.Directory, ID: p.ID, Name: p.Name}
	switch p.Kind {
	case identity.Person.String():
		who.Kind = identity.Person
	case identity.Robot.String():
		who.Kind = identity.Robot
	}
	for _, dn := range p.Groups {
		who.Groups = append(who.Groups, identity.NewGroup("", dn, commonName(dn)))
	}
	return who
}

// commonName gives the value of the cn that a DN begins with; empty where there is none, or one with escapes.
func commonName(dn string) string {
	key, err := identity.NormalDN(dn)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(key, ",")
	name, ok := strings.CutPrefix(first, "cn=")
	if !ok || strings.ContainsAny(name, `\+`) {
		return ""
	}
	return name
}

// parseActions reads the actions of a scope.
func parseActions(resource string, names []string) registry.Actions {
	var a registry.Actions
	for _, name := range names {
		one := registry.ParseAction(name)
		if resource == registry.TypeRegistry && one == registry.Wildcard {
			one = registry.Catalog
		}
		a |= one
	}
	return a
}

// Text says what was decided otherwise, as in: person alice@corp loses push in payments/api, asked 3 times.
func (r Redecided) Text() string {
	who := strings.TrimSpace(r.Kind + " " + r.Who)
	if r.Who == "" {
		who = "a client without a login"
	}
	var what []string
	if len(r.Gains) > 0 {
		what = append(what, "gains "+list(r.Gains, "and"))
	}
	if len(r.Loses) > 0 {
		what = append(what, "loses "+list(r.Loses, "and"))
	}
	where := " in " + strings.TrimPrefix(r.Scope, registry.TypeRepository+":")
	if r.Scope == registry.TypeRegistry+":"+registry.CatalogName {
		where = ""
	}
	times := fmt.Sprintf("asked %d times, last", r.Count)
	if r.Count == 1 {
		times = "asked"
	}
	return fmt.Sprintf("%s %s%s on %s (%s; %s %s)", who, strings.Join(what, " and "), where, r.Service,
		strings.Join(r.Rules, ", "), times, r.Last.UTC().Format(time.RFC3339))
}
