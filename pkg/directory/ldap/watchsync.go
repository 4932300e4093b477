package ldap

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
)

const (
	stepSync      = "content synchronization"
	entryUUID     = "entryUUID"
	contextCSN    = "contextCSN"
	syncBuffer    = 64
	syncSearches  = 2 // accounts and groups
	noLimit       = 0
	syncConsumer  = "rid=000,csn="
	csnSeparator  = ";"
	sizeLimitHelp = "; let the service account read contextCSN of the directory's root entry, or take its size limit away"
)

// followSync has the server tell each change as it happens (RFC 4533, refreshAndPersist): one search for accounts and
// one for groups, on one connection. It begins at the state that the server is in, so that nothing is sent twice.
func (b *Backend) followSync(ctx context.Context, w *watch) *serverError {
	cookie := w.state(ctx)
	w.conn.conn.SetTimeout(noLimit) // a search that stays is never late
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begun, ended := make(chan struct{}, syncSearches), make(chan *serverError, syncSearches+1)
	var tasks sync.WaitGroup
	for _, search := range []syncSearch{
		{watch: w, request: b.shape.accountsRequest(), account: b.shape.idAttribute},
		{watch: w, request: b.shape.groupsRequest()},
	} {
		tasks.Go(func() { ended <- search.run(ctx, cookie, func() { begun <- struct{}{} }) })
	}
	tasks.Go(func() { w.look(ctx, ended) })
	f := await(begun, ended)
	if f == nil {
		w.changed(directory.Change{})
		f = <-ended
	}
	cancel()
	w.conn.abort()
	tasks.Wait()
	return f
}

// await waits until every search has begun, or one has ended.
func await(begun <-chan struct{}, ended <-chan *serverError) *serverError {
	for range syncSearches {
		select {
		case <-begun:
		case f := <-ended:
			return f
		}
	}
	return nil
}

// state gives the cookie of the state that the server is in, or nothing where it may not be read.
func (w *watch) state(ctx context.Context) []byte {
	result, f := w.server.search(ctx, &goldap.SearchRequest{
		BaseDN: w.context, Scope: goldap.ScopeBaseObject, SizeLimit: 1, TimeLimit: w.server.backend.timeLimit(),
		Filter: "(objectClass=*)", Attributes: []string{contextCSN},
	})
	if f != nil || len(result.Entries) != 1 {
		return nil
	}
	if csn := result.Entries[0].GetEqualFoldAttributeValues(contextCSN); len(csn) > 0 {
		return []byte(syncConsumer + strings.Join(csn, csnSeparator))
	}
	return nil
}

// look asks now and then whether the server is still there: one that went silent says nothing for ever.
func (w *watch) look(ctx context.Context, ended chan<- *serverError) {
	limit := w.server.timeouts().Operation
	for wait(ctx, lookEvery) {
		var f *serverError
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			_, f = w.conn.search(rootDSE(w.server.backend.timeLimit(), "1.1"), limit)
		}()
		t := time.NewTimer(limit)
		select {
		case <-answered:
			t.Stop()
		case <-t.C:
			w.conn.abort()
			<-answered
			f = &serverError{class: classTimeout, step: stepSync, text: "the server went silent"}
		}
		if f != nil {
			ended <- f
			return
		}
	}
}

// accountsRequest asks for the accounts.
func (s *shape) accountsRequest() *goldap.SearchRequest {
	f := newFilter(s.userFilter)
	f.equal(s.canonical, "*")
	return &goldap.SearchRequest{
		BaseDN: s.users, Scope: goldap.ScopeWholeSubtree, Filter: f.String(), Attributes: []string{s.idAttribute},
	}
}

// groupsRequest asks for whatever has members or a group's name.
func (s *shape) groupsRequest() *goldap.SearchRequest {
	f := newFilter(s.groupFilter)
	for _, a := range s.memberDN {
		f.equal(a, "*")
	}
	if s.memberName {
		f.equal(memberUID, "*")
	}
	return &goldap.SearchRequest{
		BaseDN: s.memberships, Scope: goldap.ScopeWholeSubtree, Filter: f.String(), Attributes: []string{"1.1"},
	}
}

// syncSearch is one search that stays.
type syncSearch struct {
	*watch

	request *goldap.SearchRequest
	account string // the attribute of the id of accounts; empty for groups
}

// run tells what the server sends, from the end of the refresh on. It returns why the search ended.
func (s *syncSearch) run(ctx context.Context, cookie []byte, begun func()) *serverError {
	r := s.conn.conn.Syncrepl(ctx, s.request, syncBuffer, goldap.SyncRequestModeRefreshAndPersist, cookie, false)
	refreshed := false
	for r.Next() {
		controls := r.Controls()
		switch info, ok := goldap.FindControl(controls, goldap.ControlTypeSyncInfo).(*goldap.ControlSyncInfo); {
		case ok && !refreshed && refreshDone(info):
			refreshed = true
			begun()
		case ok && info.SyncIdSet != nil && refreshed:
			s.changed(directory.Change{})
		case r.Entry() != nil && refreshed:
			s.changed(s.change(r.Entry(), controls))
		}
	}
	if err := r.Err(); err != nil {
		f := answerFault(stepSync, err, 0, s.server.timeouts().Operation)
		if f.code == resultSizeLimitExceeded {
			f.text += sizeLimitHelp
		}
		return f
	}
	return &serverError{class: classNetwork, step: stepSync, text: "the server ended the search", err: errors.Join(ctx.Err())}
}

// refreshDone reports whether a message ends the refresh.
func refreshDone(info *goldap.ControlSyncInfo) bool {
	return info.RefreshDelete != nil && info.RefreshDelete.RefreshDone || info.RefreshPresent != nil && info.RefreshPresent.RefreshDone
}

// change says what an entry that was sent means: an account, or everybody where it is a group or has no id.
func (s *syncSearch) change(e *goldap.Entry, controls []goldap.Control) directory.Change {
	if s.account == "" {
		return directory.Change{}
	}
	id := idOf(e, s.account)
	if state, ok := goldap.FindControl(controls, goldap.ControlTypeSyncState).(*goldap.ControlSyncState); ok && strings.EqualFold(s.account, entryUUID) {
		id = state.EntryUUID.String() // also of an entry that is gone
	}
	return directory.Change{Account: id}
}
