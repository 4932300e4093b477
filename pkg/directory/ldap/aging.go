package ldap

import (
	"context"
	"fmt"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
)

// Attributes of draft-behera-ldap-password-policy that say when a password ends (sections 5.2 and 5.3).
const (
	policySubentry = "pwdPolicySubentry"
	passwordTime   = "pwdChangedTime"
	graceUses      = "pwdGraceUseTime"
	mostAge        = "pwdMaxAge"
	graceLogins    = "pwdGraceAuthNLimit"
	graceTime      = "pwdGraceExpiry"
)

// agingAttributes are what a policy tells of how long passwords last.
func agingAttributes() []string { return []string{mostAge, graceLogins, graceTime} }

// aging is how long passwords last by a policy. The zero aging says nothing.
type aging struct {
	known  bool
	most   time.Duration // zero is without end
	grace  int           // logins with a password that has ended
	within time.Duration // for how long after its end; zero is for good
	origin string
}

// agingOf reads what a policy says.
func agingOf(e *goldap.Entry) aging {
	return aging{
		known: true, most: seconds(e, mostAge), grace: countOf(e, graceLogins), within: seconds(e, graceTime),
		origin: mostAge + " of " + e.DN,
	}
}

// end gives when a password that was changed then ends; zero if it does not, or if that is not known.
func (a aging) end(changed time.Time) time.Time {
	if !a.known || a.most == 0 || changed.IsZero() {
		return time.Time{}
	}
	return changed.Add(a.most)
}

// refuses reports whether a password that ends then does not even give a grace login any more.
func (a aging) refuses(end, now time.Time, used int) bool {
	if end.IsZero() || now.Before(end) {
		return false
	}
	left := used < a.grace && (a.within == 0 || now.Before(end.Add(a.within)))
	return !left
}

// laxest gives the rule by which passwords last longest; nothing if one of them cannot be read.
func laxest(rules []rule) aging {
	var is aging
	for i, r := range rules {
		switch {
		case !r.aging.known:
			return aging{}
		case i == 0, is.most != 0 && (r.aging.most == 0 || r.aging.most > is.most):
			is = r.aging
		}
	}
	return is
}

// outlived says why the password of an account does not work any more by the policy that its entry names; empty if
// nothing says so. It is for accounts that no bind has just judged. The policy is remembered.
func (b *Backend) outlived(ctx context.Context, own *goldap.Entry) string {
	name := first(own, policySubentry)
	if b.options.Users.State != PasswordPolicyState || name == "" {
		return ""
	}
	a := b.rule(ctx, passwordPolicyLockout(), name).aging
	end := a.end(changed(first(own, passwordTime)))
	if !a.refuses(end, b.options.Now(), len(own.GetEqualFoldAttributeValues(graceUses))) {
		return ""
	}
	return fmt.Sprintf("the password ended on %s (%s)", end.Format(time.RFC3339), a.origin)
}

// PasswordExpiry is when a password ends. The zero PasswordExpiry means that it does not, or that this is not told.
type PasswordExpiry struct {
	// At is when it ends.
	At time.Time
	// Origin names what says so, for people.
	Origin string
	// Certain is false where the account names no policy: which one is the default is not told, and At is by the laxest.
	Certain bool
}

// PasswordExpiry tells when the password of an entry ends by the password policy of OpenLDAP, as far as the service account
// may read that; grace logins may follow. Other kinds of directories tell nothing here. It is for check.
func (b *Backend) PasswordExpiry(ctx context.Context, e directory.Entry) PasswordExpiry {
	if b.options.Users.State != PasswordPolicyState {
		return PasswordExpiry{}
	}
	a := b.rule(ctx, passwordPolicyLockout(), e.Lockout.Rule).aging
	end := a.end(e.PasswordChanged)
	if end.IsZero() {
		return PasswordExpiry{}
	}
	return PasswordExpiry{At: end, Origin: a.origin, Certain: e.Lockout.Rule != ""}
}
