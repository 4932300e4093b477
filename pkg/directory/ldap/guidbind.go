package ldap

import (
	"context"
	"sync/atomic"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
)

// guidBinds says whether a server takes <GUID=...> as the name of a simple bind: then a bind means the account itself,
// whoever has its DN by now.
type guidBinds struct{ known atomic.Int32 }

// What is known of it.
const (
	guidUnknown int32 = iota
	guidAsked         // a task is finding out
	guidTaken
	guidRefused
)

// bindName gives the name by which an account is bound at a server, and whether it is its id. As long as it is not
// known whether the server takes an id, that is the DN.
func (s *server) bindName(ctx context.Context, e directory.Entry) (name string, byID bool) {
	if !s.bindsByID() {
		return e.DN, false
	}
	switch s.guids.known.Load() {
	case guidTaken:
		return byGUID(e.ID), true
	case guidUnknown:
		s.learnGUIDBind(ctx)
	}
	return e.DN, false
}

// bindsByID reports whether accounts have GUIDs, and a service account can find out whether binds take them.
func (s *server) bindsByID() bool {
	o := &s.backend.options
	return formOf(o.Users.IDAttribute) == guidID && o.BindDN != "" && !o.External
}

// learnGUIDBind has the service account bound by its own GUID, once: no user's password is needed to find out, and none is
// risked.
func (s *server) learnGUIDBind(ctx context.Context) {
	if !s.guids.known.CompareAndSwap(guidUnknown, guidAsked) {
		return
	}
	t := s.timeouts()
	started := s.backend.tasks.start(ctx, t.Dial+3*t.Operation, func(ctx context.Context) {
		s.guids.known.Store(s.tryGUIDBind(ctx))
	})
	if !started {
		s.guids.known.Store(guidUnknown)
	}
}

// tryGUIDBind binds by the GUID on a connection of its own.
func (s *server) tryGUIDBind(ctx context.Context) int32 {
	own, f := s.search(ctx, &goldap.SearchRequest{
		BaseDN: s.backend.options.BindDN, Scope: goldap.ScopeBaseObject, DerefAliases: goldap.NeverDerefAliases, SizeLimit: 1,
		TimeLimit: s.backend.timeLimit(), Filter: "(objectClass=*)", Attributes: []string{objectGUID},
	})
	if !f.answered() {
		return guidUnknown
	}
	if f != nil || len(own.Entries) != 1 || idOf(own.Entries[0], objectGUID) == "" {
		return guidRefused // there is no id to find out with, and each login would look again
	}
	id := idOf(own.Entries[0], objectGUID)
	secret, f := s.serviceSecret()
	if f != nil {
		return guidUnknown
	}
	c, f := s.connect(ctx, newConnection)
	if f != nil {
		return guidUnknown
	}
	defer c.abort()
	_, _, f = c.bind(byGUID(id), secret, s.remaining(ctx))
	switch {
	case f == nil:
		return guidTaken
	case f.class == classAnswer:
		s.backend.log.InfoContext(ctx, "directory server binds accounts by DN only", "server", s.url)
		return guidRefused
	}
	return guidUnknown
}
