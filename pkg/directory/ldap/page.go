package ldap

import (
	"context"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
)

const (
	defaultPage = 500
	leastPage   = 10
	maxEntries  = 100_000
)

// searchAll searches without a size limit and gives all entries or a fault, never a part.
//
// The first try is one plain search. Where a limit of the server stops it (results 4 and 11), the search is
// done again in pages (RFC 2696) on a connection of its own, as servers keep one paged search a connection;
// pages become smaller while the server finds them too large.
func (b *Backend) searchAll(ctx context.Context, prefer *server, r *goldap.SearchRequest) ([]*goldap.Entry, *server, *serverError) {
	var entries []*goldap.Entry
	s, f := b.ask(ctx, prefer, func(ctx context.Context, s *server) (f *serverError) {
		entries, f = s.searchWhole(ctx, r)
		return f
	})
	return entries, s, f
}

// searchWhole is searchAll at one server.
func (s *server) searchWhole(ctx context.Context, r *goldap.SearchRequest) ([]*goldap.Entry, *serverError) {
	result, f := s.search(ctx, r)
	switch {
	case f == nil:
		return result.Entries, nil
	case f.class == classAnswer && (f.code == resultSizeLimitExceeded || f.code == resultAdminLimitExceeded):
		return s.searchPaged(ctx, r)
	}
	return nil, f
}

// searchPaged searches in pages on a connection of its own.
func (s *server) searchPaged(ctx context.Context, r *goldap.SearchRequest) ([]*goldap.Entry, *serverError) {
	select {
	case s.paging <- struct{}{}:
		defer func() { <-s.paging }()
	case <-ctx.Done():
		return nil, &serverError{class: classFull, step: "wait for a paged search", text: "none could begin in time", err: ctx.Err()}
	}
	c, f := s.serviceConnect(ctx)
	if f != nil {
		return nil, f
	}
	stop := context.AfterFunc(ctx, c.abort)
	defer func() {
		stop()
		c.abort()
	}()
	for size := uint32(s.backend.options.PageSize); ; size /= 2 {
		entries, f := s.pages(ctx, c, r, size)
		tooLarge := f != nil && f.class == classAnswer && f.code == resultAdminLimitExceeded
		if !tooLarge || size/2 < leastPage {
			return entries, f
		}
	}
}

// pages reads page after page.
func (s *server) pages(ctx context.Context, c *connection, r *goldap.SearchRequest, size uint32) ([]*goldap.Entry, *serverError) {
	page := goldap.NewControlPaging(size)
	request := *r // the control is this search's own
	request.Controls = []goldap.Control{page}
	var all []*goldap.Entry
	for {
		start := time.Now()
		result, f := c.search(&request, s.timeouts().Operation)
		if f != nil && ctx.Err() != nil {
			f.class = classCaller
			if timedOut(ctx.Err()) {
				f.class, f.brief = classTimeout, time.Since(start) < fairTime
			}
		}
		s.observer().operation(s.url, "search", f, time.Since(start))
		s.report(c, f)
		if f != nil {
			return nil, f
		}
		all = append(all, result.Entries...)
		if len(all) > maxEntries {
			return nil, &serverError{class: classConfig, step: "search in pages", text: "too many entries"}
		}
		answer, ok := goldap.FindControl(result.Controls, goldap.ControlTypePaging).(*goldap.ControlPaging)
		if !ok || len(answer.Cookie) == 0 {
			return all, nil
		}
		page.SetCookie(answer.Cookie)
	}
}
