package ldap

import (
	"context"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
)

const (
	// dirSyncEvery is how often a domain controller is asked what has changed.
	dirSyncEvery = 2 * time.Second
	stepDirSync  = "ask for changes"
)

// The flags of DirSync (MS-ADTS 3.1.1.3.4.1.3).
const (
	// objectSecurity lets an ordinary account ask, which is told of what it may read.
	objectSecurity = 0x1
	// incrementalValues sends the members that came or went, and not the whole list.
	incrementalValues = 0x80000000
)

// dirSyncFilter finds people and groups, also those that were deleted: they keep their class.
const dirSyncFilter = "(|(objectClass=user)(objectClass=group))"

// nobodyFilter finds nothing: of all that ever happened only the end is wanted.
const nobodyFilter = "(objectGUID=\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00)"

// accountChanges are attributes that only an account's own change touches. None of them changes with a login.
func accountChanges() []string {
	return []string{"userAccountControl", "pwdLastSet", "accountExpires", "lockoutTime", primaryGroupID, "userPrincipalName", "mail"}
}

// groupChanges are attributes that mean a group.
func groupChanges() []string { return []string{"member", "groupType"} }

// dirSync is what a domain controller has told so far.
type dirSync struct {
	*watch

	cookie []byte
}

// followDirSync asks a domain controller every two seconds what has changed since.
func (*Backend) followDirSync(ctx context.Context, w *watch) *serverError {
	d := &dirSync{watch: w}
	if f := d.ask(nobodyFilter, func(*goldap.Entry) {}); f != nil {
		return f
	}
	w.changed(directory.Change{})
	for wait(ctx, dirSyncEvery) {
		if f := d.ask(dirSyncFilter, d.tell); f != nil {
			return f
		}
	}
	return nil
}

// ask has tell called for each change since the last answer.
func (d *dirSync) ask(filter string, tell func(*goldap.Entry)) *serverError {
	for {
		start := time.Now()
		answer, err := d.conn.libraryDirSync(d.request(filter), d.cookie)
		var f *serverError
		if err != nil {
			f = answerFault(stepDirSync, err, time.Since(start), d.server.timeouts().Operation)
		}
		d.server.observer().operation(d.server.url, "search", f, time.Since(start))
		if f != nil {
			return f
		}
		for _, e := range answer.Entries {
			tell(e)
		}
		said, ok := goldap.FindControl(answer.Controls, goldap.ControlTypeDirSync).(*goldap.ControlDirSync)
		if !ok || len(said.Cookie) == 0 {
			return &serverError{class: classConfig, step: stepDirSync, text: "the server does not say up to where it has answered"}
		}
		d.cookie = said.Cookie
		if said.Flags == 0 { // there is no more
			return nil
		}
	}
}

// request asks at the root of the domain, as DirSync wants it.
func (d *dirSync) request(filter string) *goldap.SearchRequest {
	attributes := append(accountChanges(), groupChanges()...)
	return &goldap.SearchRequest{
		BaseDN: d.context, Scope: goldap.ScopeWholeSubtree, Filter: filter,
		Attributes: append(attributes, samAccountName, objectGUID, "isDeleted"),
	}
}

// tell says what a changed entry means. Only what has changed of it was sent, so that it may be either: an entry with
// another name, or one that is gone.
func (d *dirSync) tell(e *goldap.Entry) {
	account, group := hasAny(e, accountChanges()), hasAny(e, groupChanges())
	if !account && hasAny(e, []string{samAccountName}) {
		d.server.backend.sids.forget()
	}
	if group || !account {
		d.changed(directory.Change{})
	}
	if id := idOf(e, objectGUID); id != "" && (account || !group) {
		d.changed(directory.Change{Account: id})
	}
}

// hasAny reports whether an entry has one of the attributes, also where it holds no values or a part of them.
func hasAny(e *goldap.Entry, names []string) bool {
	for _, a := range e.Attributes {
		base, _, _ := strings.Cut(a.Name, ";")
		for _, n := range names {
			if strings.EqualFold(base, n) {
				return true
			}
		}
	}
	return false
}

// libraryDirSync calls the library and turns a panic of it into an error.
func (c *connection) libraryDirSync(r *goldap.SearchRequest, cookie []byte) (result *goldap.SearchResult, err error) {
	defer func() {
		if p := recover(); p != nil {
			result, err = nil, panicked(p)
		}
	}()
	return c.conn.DirSync(r, objectSecurity|incrementalValues, 0, cookie)
}
