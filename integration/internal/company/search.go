package company

import (
	"slices"
	"strconv"

	"github.com/jimlambrt/gldap"
)

// outcome is how a search ends: its entries, or a result code with a reason.
type outcome struct {
	entries []*entry
	code    int
	reason  string
	cookie  []byte
	paged   bool
}

// search answers a search.
func (s *Server) search(w *gldap.ResponseWriter, r *gldap.Request) {
	m, err := r.GetSearchMessage()
	if err != nil {
		_ = w.Write(r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultProtocolError)))
		return
	}
	o := s.find(m, s.isBound(r.ConnectionID()))
	for _, e := range o.entries {
		_ = w.Write(r.NewSearchResponseEntry(e.dn, gldap.WithAttributes(shown(e, m))))
	}
	done := r.NewSearchDoneResponse(gldap.WithResponseCode(o.code), gldap.WithDiagnosticMessage(o.reason))
	if o.paged {
		done.SetControls(&gldap.ControlPaging{Cookie: o.cookie})
	}
	_ = w.Write(done)
}

// find works out the answer to a search.
func (s *Server) find(m *gldap.SearchMessage, bound bool) outcome {
	if oid := unknownCritical(m.Controls); oid != "" {
		return outcome{code: gldap.ResultUnavailableCriticalExtension, reason: "control " + oid}
	}
	f, err := parseFilter(m.Filter)
	if err != nil {
		return outcome{code: gldap.ResultProtocolError, reason: err.Error()}
	}
	if m.BaseDN == "" && m.Scope == gldap.BaseObject {
		return outcome{entries: matching([]*entry{root()}, f.matches), code: gldap.ResultSuccess}
	}
	if !bound {
		return outcome{code: gldap.ResultInsufficientAccessRights, reason: "bind first"}
	}
	base := normal(m.BaseDN)
	if s.byKey[base] == nil {
		return outcome{code: gldap.ResultNoSuchObject}
	}
	found := matching(s.entries, func(e *entry) bool { return inScope(e, base, m.Scope) && f.matches(e) })
	return limit(found, m)
}

func inScope(e *entry, base string, scope gldap.Scope) bool {
	switch scope {
	case gldap.BaseObject:
		return e.key == base
	case gldap.SingleLevel:
		return e.childOf(base)
	case gldap.WholeSubtree:
		return e.key == base || e.below(base)
	default:
		return false
	}
}

func matching(all []*entry, keep func(*entry) bool) []*entry {
	var found []*entry
	for _, e := range all {
		if keep(e) {
			found = append(found, e)
		}
	}
	return found
}

// limit applies paging (RFC 2696), or else the client's size limit.
func limit(found []*entry, m *gldap.SearchMessage) outcome {
	o := outcome{entries: found, code: gldap.ResultSuccess}
	if paging := pagingOf(m.Controls); paging != nil {
		from, err := strconv.Atoi("0" + string(paging.Cookie))
		if err != nil || from > len(found) {
			return outcome{code: gldap.ResultUnwillingToPerform, reason: "paging cookie"}
		}
		to := min(from+int(paging.PagingSize), len(found))
		o.entries, o.paged = found[from:to], true
		if to < len(found) && to > from { // a size of zero gives the search up
			o.cookie = []byte(strconv.Itoa(to))
		}
		return o
	}
	if m.SizeLimit > 0 && int64(len(found)) > m.SizeLimit {
		o.entries, o.code = found[:m.SizeLimit], gldap.ResultSizeLimitExceeded
	}
	return o
}

func pagingOf(controls []gldap.Control) *gldap.ControlPaging {
	for _, c := range controls {
		if p, ok := c.(*gldap.ControlPaging); ok {
			return p
		}
	}
	return nil
}

// unknownCritical returns a control that must not be ignored and that the server does not know.
func unknownCritical(controls []gldap.Control) string {
	for _, c := range controls {
		if s, ok := c.(*gldap.ControlString); ok && s.Criticality {
			return s.ControlType
		}
	}
	return ""
}

// shown picks the attributes that a client asked for: all of the user's, or those that it names.
func shown(e *entry, m *gldap.SearchMessage) map[string][]string {
	out := map[string][]string{}
	wanted := m.Attributes
	if len(wanted) == 0 {
		wanted = []string{"*"}
	}
	for _, name := range wanted {
		switch name {
		case "*":
			copyInto(out, e.user)
		case "+":
			copyInto(out, e.internal)
		default:
			if v := e.values(name); len(v) > 0 {
				out[name] = v
			}
		}
	}
	if m.TypesOnly {
		for name := range out {
			out[name] = nil
		}
	}
	return out
}

func copyInto(out, from map[string][]string) {
	for name, v := range from {
		out[name] = slices.Clone(v)
	}
}

// root is the server's own entry, the rootDSE.
func root() *entry {
	return &entry{user: map[string][]string{"objectclass": {"top"}}, internal: map[string][]string{
		"namingcontexts": {Suffix}, "supportedldapversion": {"3"}, "vendorname": {"the demo of Wharfgate"},
		"supportedcontrol": {gldap.ControlTypePaging},
	}}
}
