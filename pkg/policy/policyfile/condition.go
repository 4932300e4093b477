package policyfile

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/pkg/policy"
)

// maxNetworks bounds the networks of one rule.
const maxNetworks = 256

// conditions reads on, from, since and until.
func (p *parser) conditions(fields map[string]field, r *policy.Rule) bool {
	whole := true
	if f, ok := fields["on"]; ok {
		for _, item := range p.texts(f.value, `"on"`) {
			if p.service(item) {
				r.On = append(r.On, item.Value)
			}
		}
		whole = len(r.On) > 0 // one that was left out is a fault already
	}
	if f, ok := fields["from"]; ok {
		for _, item := range p.texts(f.value, `"from"`) {
			if network, ok := p.network(item); ok {
				r.From = append(r.From, network)
			}
		}
		whole = whole && len(r.From) > 0
		if len(r.From) > maxNetworks {
			p.node(f.value, CodeTooLarge, fmt.Sprintf("more than %d networks in one rule", maxNetworks), "make several rules of it, or write larger networks")
		}
	}
	return p.times(fields, r) && whole
}

// times reads since and until.
func (p *parser) times(fields map[string]field, r *policy.Rule) bool {
	whole := true
	if f, ok := fields["since"]; ok {
		r.Since, ok = p.when(f.value, `"since"`)
		whole = ok
	}
	f, ok := fields["until"]
	if !ok {
		return whole
	}
	if r.Until, ok = p.when(f.value, `"until"`); !ok {
		return false
	}
	if len(f.value.Value) == len(time.DateOnly) {
		r.Until = r.Until.AddDate(0, 0, 1) // a day counts to its end
	}
	if whole && !r.Since.Before(r.Until) {
		p.node(f.value, CodeBadTime, "this rule ends before it begins", `write an "until" that is later than "since"`)
		return false
	}
	return whole
}

// service reads the name of a registry.
func (p *parser) service(n *yaml.Node) bool {
	if len(p.options.Services) == 0 || slices.Contains(p.options.Services, n.Value) {
		return true
	}
	p.node(n, CodeUnknownRegistry, "there is no registry "+quoted(n.Value), suggest(n.Value, p.options.Services))
	return false
}

// network reads a network or an address.
func (p *parser) network(n *yaml.Node) (netip.Prefix, bool) {
	const remedy = "write a network such as 10.20.0.0/16, or an address such as 10.20.0.7"
	if addr, ok := address(n.Value); ok {
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	network, err := netip.ParsePrefix(n.Value)
	switch {
	case err != nil, network.Addr().Is4In6():
		p.node(n, CodeBadNetwork, quoted(n.Value)+" is neither a network nor an address", remedy)
		return netip.Prefix{}, false
	case network != network.Masked():
		p.node(n, CodeBadNetwork, quoted(n.Value)+" is an address inside a network", "write the network as "+network.Masked().String())
		return netip.Prefix{}, false
	}
	return network, true
}

// address reads one address, without a zone.
func address(text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(text)
	return addr, err == nil && addr.Zone() == "" && !addr.Is4In6()
}

// when reads a day, as its beginning in UTC, or a moment.
func (p *parser) when(n *yaml.Node, what string) (time.Time, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "" {
		p.text(n, what)
		return time.Time{}, false
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if !hasShape(n.Value, layout) {
			continue
		}
		if t, err := time.Parse(layout, n.Value); err == nil {
			return t.UTC(), true
		}
		p.node(n, CodeBadTime, quoted(n.Value)+" is not in the calendar", "look at month, day and hour")
		return time.Time{}, false
	}
	p.node(n, CodeBadTime, quoted(n.Value)+" is not a time", "write a day such as 2026-12-31, which counts to its end in UTC, or a moment such as 2026-12-31T18:00:00Z")
	return time.Time{}, false
}

// hasShape reports whether a text has digits and signs where the layout has them; Z07:00 is Z or an offset.
func hasShape(text, layout string) bool {
	const zone = "Z07:00"
	clock, zoned := strings.CutSuffix(layout, zone)
	if !zoned {
		return sameShape(text, clock)
	}
	if bare, ok := strings.CutSuffix(text, "Z"); ok {
		return sameShape(bare, clock)
	}
	at := len(text) - len("+00:00")
	return at > 0 && sameShape(text[:at], clock) && (text[at] == '+' || text[at] == '-') && sameShape(text[at+1:], "00:00")
}

// sameShape reports whether two texts are alike but for their digits.
func sameShape(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		digits := '0' <= a[i] && a[i] <= '9' && '0' <= b[i] && b[i] <= '9'
		if !digits && a[i] != b[i] {
			return false
		}
	}
	return true
}
