package ldap

import (
	"context"
	"strconv"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
)

const (
	// fineGrained begins the attributes of a fine-grained password policy that the domain has without it.
	fineGrained = "msDS-"
	// guessed is what is taken for the threshold of a fine-grained policy that may not be read: such policies are for
	// accounts that need more care.
	guessed = 3
)

// windowsLockout is that of Active Directory ([MS-ADTS] section 3.1.1.7, [MS-SAMR] section 3.1.5.14.2): the
// domain's own policy, or the fine-grained one that results for an account.
func windowsLockout() lockoutDialect {
	return lockoutDialect{
		attributes: []string{"badPwdCount", "badPasswordTime"}, rule: "msDS-ResultantPSO", further: windowsRules, named: guessed,
		read: func(ctx context.Context, b *Backend, name string) (rule, *serverError) {
			if name != "" {
				return windowsRule(ctx, b, name, fineGrained)
			}
			domain, f := b.domainHead(ctx)
			if f != nil {
				return unknownRule("the rootDSE"), f
			}
			return windowsRule(ctx, b, domain, "")
		},
		seen: func(e *goldap.Entry, _ time.Time) guard.Seen {
			last, _ := parseFiletime(first(e, "badPasswordTime"))
			return guard.Seen{Failures: countOf(e, "badPwdCount"), Last: last.time()}
		},
	}
}

// domainHead gives the DN of the domain.
func (b *Backend) domainHead(ctx context.Context) (string, *serverError) {
	root, f := b.readRule(ctx, "", []string{"defaultNamingContext"})
	if f != nil {
		return "", f
	}
	return orElse(first(root, "defaultNamingContext"), b.options.BaseDN), nil
}

// windowsRules reads every fine-grained policy. Their names can be seen by everybody, as a rule, and what they say by
// administrators.
func windowsRules(ctx context.Context, b *Backend) []guard.Lockout {
	domain, f := b.domainHead(ctx)
	if f != nil {
		return nil
	}
	entries, f := b.searchRules(ctx, "CN=Password Settings Container,CN=System,"+domain, "msDS-PasswordSettings", []string{"1.1"})
	if f != nil {
		return nil
	}
	var rules []guard.Lockout
	for _, e := range entries {
		r, _ := windowsRule(ctx, b, e.DN, fineGrained)
		if !r.Known {
			r.Threshold = guessed
		}
		rules = append(rules, r.Lockout)
	}
	return rules
}

// windowsRule reads the policy of the domain or a fine-grained one.
func windowsRule(ctx context.Context, b *Backend, dn, prefix string) (rule, *serverError) {
	threshold, duration, window := "lockoutThreshold", "lockoutDuration", "lockOutObservationWindow"
	if prefix != "" {
		threshold, duration, window = prefix+"LockoutThreshold", prefix+"LockoutDuration", prefix+"LockoutObservationWindow"
	}
	e, f := b.readRule(ctx, dn, []string{threshold, duration, window})
	if f != nil || first(e, threshold) == "" {
		return unknownRule(dn), f
	}
	return rule{Lockout: guard.Lockout{
		Known: true, Threshold: countOf(e, threshold), Window: interval(first(e, window)), Duration: interval(first(e, duration)),
		Origin: threshold + " of " + dn,
	}}, nil
}

// interval reads a time span of Active Directory, negative and in units of 100 ns. The longest one has no end, and is
// zero like what is none.
func interval(text string) time.Duration {
	const longest = -int64(1<<63-1) / int64(tick)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n >= 0 || n < longest {
		return 0
	}
	return time.Duration(-n) * tick
}
