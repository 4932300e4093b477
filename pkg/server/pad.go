package server

import (
	"context"
	"net/http"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
)

// maxPad bounds how long an answer is held back.
const maxPad = time.Second

// pad holds a refusal of credentials back until it took as long as one that a directory gave, so that the time tells
// nothing about a name. The request has given its turn back: waiting here keeps nobody else waiting.
func (s *Server) pad(ctx context.Context, x *exchange, err error) {
	if s.o.RefusalTime == nil || x.began.IsZero() || x.req.Grant == authority.GrantRefresh { // which names nobody
		return
	}
	if status := problemOf(err, x).status; status != http.StatusUnauthorized && status != http.StatusTooManyRequests {
		return
	}
	wait := min(s.o.RefusalTime(), maxPad) - s.o.Now().Sub(x.began)
	if wait <= 0 {
		return
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done(): // too late for anybody to compare
	}
}
