package main

import (
	"context"
	"fmt"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/gate"
)

// passwordEnd is when the password of an account ends by a policy of the directory.
type passwordEnd struct {
	Ends time.Time `json:"ends"`
	By   string    `json:"by"`
	// Certain is false where the account names no policy: the directory does not tell which one is the default.
	Certain bool `json:"certain"`
}

// passwordEndOf asks for it; nil if it has none, or none is told.
func passwordEndOf(ctx context.Context, desk *gate.Desk, source string, e directory.Entry) *passwordEnd {
	x := desk.PasswordExpiry(ctx, source, e)
	if x.At.IsZero() {
		return nil
	}
	return &passwordEnd{Ends: x.At, By: x.Origin, Certain: x.Certain}
}

// text says it for people. Nothing speaks against the account, so that one which has ended leaves grace logins, or is a
// guess; proven means that a bind has just succeeded, which is more than a guess. A guess about later days is not told.
func (p *passwordEnd) text(now time.Time, proven bool) string {
	when, over := p.Ends.UTC().Format("2006-01-02 15:04 UTC"), !now.Before(p.Ends)
	switch {
	case p.Certain && over:
		return fmt.Sprintf("the password ended on %s; only grace logins are left (%s)", when, visible(p.By))
	case p.Certain:
		return fmt.Sprintf("the password ends on %s (%s)", when, visible(p.By))
	case over && !proven:
		return fmt.Sprintf("the password may have ended on %s (%s, if that is the default policy, which the directory does not tell); wharfgate login shows", when, visible(p.By))
	default:
		return ""
	}
}
