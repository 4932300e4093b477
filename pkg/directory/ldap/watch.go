package ldap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// errNoWatch means that a server has no way to tell of changes.
var errNoWatch = errors.New("the server offers neither content synchronization (RFC 4533) nor DirSync")

// lookEvery is how often a connection that only listens is asked whether anybody is still there.
const lookEvery = 10 * time.Second

var _ directory.Watcher = (*Backend)(nil)

// Watch tells of changes of accounts and groups at the server in use: on OpenLDAP as they happen, by content
// synchronization; on Active Directory and Samba within two seconds, by DirSync, which needs no right that an ordinary
// account lacks. It takes a connection of its own, and ends when that does, with the reason.
func (b *Backend) Watch(ctx context.Context, changed func(directory.Change)) error {
	if f := b.discovered(ctx); f != nil {
		return watchError(f)
	}
	s := b.fleet.first()
	if s == nil {
		return watchError(b.allAway())
	}
	root, f := s.rootEntry(ctx)
	if f != nil {
		return watchError(f)
	}
	follow, err := method(root)
	if err != nil {
		return fmt.Errorf("watch %s: %w", s.url, err)
	}
	c, f := s.serviceConnect(ctx)
	if f != nil {
		return watchError(f)
	}
	defer c.abort()
	stop := context.AfterFunc(ctx, c.abort)
	defer stop()
	return watchError(follow(b, ctx, &watch{server: s, conn: c, context: b.namingContext(root), changed: changed}))
}

// CanWatch asks the server in use whether it has a way to tell of changes; nil means that it has.
func (b *Backend) CanWatch(ctx context.Context) error {
	_, f := b.ask(ctx, nil, func(ctx context.Context, s *server) *serverError {
		root, f := s.rootEntry(ctx)
		if f == nil {
			if _, err := method(root); err != nil {
				f = &serverError{class: classConfig, step: "watch " + s.url, err: err}
			}
		}
		return f
	})
	return watchError(f)
}

// watch is one connection on which changes are told.
type watch struct {
	server  *server
	conn    *connection
	context string // the root of what the directory's base DN is part of
	changed func(directory.Change)
}

// watchError makes an error of a fault, which never leaves the package.
func watchError(f *serverError) error {
	if f == nil {
		return nil
	}
	return errors.New("watch changes: " + f.Error())
}

// rootEntry reads what the server says of what it can.
func (s *server) rootEntry(ctx context.Context) (*goldap.Entry, *serverError) {
	result, f := s.search(ctx, rootDSE(s.backend.timeLimit(), "supportedControl", "namingContexts"))
	if f != nil {
		return nil, f
	}
	if len(result.Entries) != 1 {
		return nil, &serverError{class: classConfig, step: "read the rootDSE", text: "it cannot be read"}
	}
	return result.Entries[0], nil
}

// method gives the way in which a server tells of changes.
func method(root *goldap.Entry) (follow func(*Backend, context.Context, *watch) *serverError, err error) {
	switch {
	case hasValue(root, "supportedControl", goldap.ControlTypeDirSync):
		return (*Backend).followDirSync, nil
	case hasValue(root, "supportedControl", goldap.ControlTypeSyncRequest):
		return (*Backend).followSync, nil
	}
	return nil, errNoWatch
}

// namingContext gives the root that the base DN is part of: the longest one that the server names; else the base DN.
func (b *Backend) namingContext(root *goldap.Entry) string {
	base, err := identity.NormalDN(b.options.BaseDN)
	if err != nil {
		return b.options.BaseDN
	}
	longest, found := "", b.options.BaseDN
	for _, dn := range root.GetEqualFoldAttributeValues("namingContexts") {
		key, err := identity.NormalDN(dn)
		if err == nil && len(key) > len(longest) && strings.HasSuffix(","+base, ","+key) {
			longest, found = key, dn
		}
	}
	return found
}

// wait lets time pass, or reports false when ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
