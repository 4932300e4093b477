package bench_test

import (
	"fmt"
	"testing"
	"time"
)

// parts are what one round of throughput measured, a second each, and the processor time of one each, of all
// programs that took part.
type parts struct {
	binds, http, signatures, tokens     float64
	forBind, forHTTP, forSign, forToken float64 // microseconds
}

// lean is the share of a token's processor time that its parts take by themselves. Unlike a rate it hardly depends
// on what others do on the machine.
func (p parts) lean() float64 { return (p.forBind + p.forHTTP + p.forSign) / p.forToken }

// allowed is what the parts allow together: each token takes the time of one bind, one answer, one signature.
func (p parts) allowed() float64 { return 1 / (1/p.binds + 1/p.http + 1/p.signatures) }

// throughput compares tokens with what they are made of, in rounds that take turns.
func (s *session) throughput(t testing.TB, p *program) {
	const connections = 16
	a, err := ask(t.Context(), p.URL, 0, password)
	if err != nil {
		t.Fatal(err)
	}
	trivial := serveTrivially(t, a)
	wrk(t, p.URL, s.requests, connections, time.Second) // opens as many connections as so many clients need
	binder := newBinder(t, s.directory, connections)
	var all []parts
	var seen operations
	tokens, used, lag := 0, time.Duration(0), []float64(nil)
	for n := range s.rounds {
		r := s.measure(t, binder, trivial, len(a.body)/2)
		before, cpu, slapd := s.directory.look(t), processor(t, p.process), processor(t, s.directory.process)
		l := wrk(t, p.URL, s.requests, connections, s.round)
		seen = seen.plus(s.directory.look(t).minus(before))
		took := processor(t, p.process) - cpu
		r.forToken = each(took+l.used+processor(t, s.directory.process)-slapd, float64(l.requests))
		used += took
		tokens += l.requests
		r.tokens, lag = l.rate, append(lag, l.p99)
		all = append(all, r)
		s.say("round %d: B %.0f, H %.0f, S %.0f, T %.0f a second: %.2f of what the parts allow",
			n+1, r.binds, r.http, r.signatures, r.tokens, r.tokens/r.allowed())
	}
	s.compare(all)
	s.add("p99 at 16 connections", fmt.Sprintf("%.1f ms", median(lag)), "", none)
	s.add("processor time of the gate a token", fmt.Sprintf("%.0f µs", used.Seconds()*1e6/float64(tokens)), "", none)
	s.add("LDAP operations a token under load", fmt.Sprintf("%.4f", float64(seen.all())/float64(tokens)), "exactly 1", judge(nearly(seen.binds, tokens) && seen.searches < len(all)))
	s.add("connections opened under load", fmt.Sprintf("%d", seen.connections), "0", judge(seen.connections == 0))
	s.add("cold tokens, everybody once, 16 connections", fmt.Sprintf("%.0f/s", s.cold), "", none)
}

// measure measures what a token is made of, one after the other.
func (s *session) measure(t testing.TB, b *binder, trivial string, length int) parts {
	t.Helper()
	var r parts
	own, slapd := ownProcessor(t), processor(t, s.directory.process)
	r.binds = b.rate(t, s.round)
	r.forBind = each(ownProcessor(t)-own+processor(t, s.directory.process)-slapd, r.binds*s.round.Seconds())
	own = ownProcessor(t)
	l := wrk(t, trivial, s.requests, len(b.conns), s.round)
	r.http, r.forHTTP = l.rate, each(ownProcessor(t)-own+l.used, float64(l.requests))
	own = ownProcessor(t)
	r.signatures = signingRate(t, length, s.round/4)
	r.forSign = each(ownProcessor(t)-own, r.signatures*s.round.Seconds()/4)
	return r
}

// each is the microseconds of one of n.
func each(used time.Duration, n float64) float64 { return used.Seconds() * 1e6 / n }

// compare adds what tokens are made of, and what they come to.
func (s *session) compare(all []parts) {
	const least = 0.7
	pick := func(f func(parts) float64) []float64 {
		var values []float64
		for _, r := range all {
			values = append(values, f(r))
		}
		return values
	}
	perSecond := func(what string, values []float64) {
		s.add(what, fmt.Sprintf("%.0f/s (%s)", median(values), spread("%.0f", values)), "", none)
	}
	perSecond("B: bare binds, 16 connections", pick(func(p parts) float64 { return p.binds }))
	perSecond("H: trivial net/http answers, 16 connections", pick(func(p parts) float64 { return p.http }))
	perSecond("S: ES256 signatures, all cores", pick(func(p parts) float64 { return p.signatures }))
	perSecond("what the parts allow, 1/(1/B+1/H+1/S)", pick(parts.allowed))
	perSecond("T: tokens with a bind each, 16 connections", pick(func(p parts) float64 { return p.tokens }))
	share := pick(func(p parts) float64 { return p.tokens / p.allowed() })
	s.add("T as a share of that", fmt.Sprintf("%.2f (%s)", median(share), spread("%.2f", share)), "at least 0.7", judge(median(share) >= least))
	lean := pick(parts.lean)
	s.add("the same by processor time of all programs", fmt.Sprintf("%.2f (%s)", median(lean), spread("%.2f", lean)), "", none)
	micros := func(f func(parts) float64) float64 { return median(pick(f)) }
	s.add("processor time of all programs", fmt.Sprintf("bind %.0f, answer %.0f, signature %.0f, token %.0f µs",
		micros(func(p parts) float64 { return p.forBind }), micros(func(p parts) float64 { return p.forHTTP }),
		micros(func(p parts) float64 { return p.forSign }), micros(func(p parts) float64 { return p.forToken })), "", none)
}

// nearly allows for the binds whose answer wrk no longer waited for at the end of a round.
func nearly(binds, tokens int) bool {
	const percent = 100
	return binds >= tokens && (binds-tokens)*percent <= tokens
}
