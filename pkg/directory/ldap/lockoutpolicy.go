package ldap

import (
	"context"
	"strconv"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
)

// passwordPolicyLockout is that of draft-behera-ldap-password-policy sections 5.2 and 5.3, as OpenLDAP keeps it. Which
// policy is the default stands in the server's configuration, so the strictest one that can be read is taken for it.
func passwordPolicyLockout() lockoutDialect {
	const lockout, most, interval, duration = "pwdLockout", "pwdMaxFailure", "pwdFailureCountInterval", "pwdLockoutDuration"
	const failures, locked = "pwdFailureTime", "pwdAccountLockedTime"
	must := "pwdAttribute" // which every policy has: who can read it can see that another is absent
	attributes := append([]string{must, lockout, most, interval, duration}, agingAttributes()...)
	entries := ruleEntries{class: "pwdPolicy", attributes: attributes, parse: func(e *goldap.Entry) rule {
		if first(e, must) == "" {
			return unknownRule(e.DN)
		}
		l := guard.Lockout{Known: true, Window: seconds(e, interval), Duration: seconds(e, duration), Origin: most + " of " + e.DN}
		if strings.EqualFold(first(e, lockout), "TRUE") {
			l.Threshold = countOf(e, most)
		}
		return rule{l, agingOf(e)}
	}}
	return lockoutDialect{
		attributes: []string{failures, locked}, rule: policySubentry, read: entries.read, further: entries.all,
		seen: func(e *goldap.Entry, _ time.Time) guard.Seen {
			s := guard.Seen{Locked: first(e, locked) != ""}
			for _, v := range e.GetEqualFoldAttributeValues(failures) {
				t := changed(v)
				s.Failures, s.Times = s.Failures+1, append(s.Times, t)
				if t.After(s.Last) {
					s.Last = t
				}
			}
			return s
		},
	}
}

const (
	// netscapeThreshold is passwordMaxFailure of 389 Directory Server where nobody has set it.
	netscapeThreshold = 3
	// kerberosThreshold is krbPwdMaxFailure of the global policy that FreeIPA is installed with.
	kerberosThreshold = 6
)

// netscapeLockout is that of 389 Directory Server: the policy of the whole server, which only its administrators may
// read as a rule, or one of a subtree or an account.
func netscapeLockout() lockoutDialect {
	const lockout, most, interval, duration = "passwordLockout", "passwordMaxFailure", "passwordResetFailureCount", "passwordLockoutDuration"
	const failures, reset = "passwordRetryCount", "retryCountResetTime"
	attributes := []string{lockout, most, interval, duration}
	return lockoutDialect{
		attributes: []string{failures, reset}, rule: "pwdpolicysubentry",
		usual: netscapeThreshold, named: netscapeThreshold,
		read: func(ctx context.Context, b *Backend, name string) (rule, *serverError) {
			dn := orElse(name, "cn=config")
			e, f := b.readRule(ctx, dn, attributes)
			if f != nil {
				return unknownRule(dn), f
			}
			on := first(e, lockout)
			switch {
			case strings.EqualFold(on, "off"):
				return rule{Lockout: guard.Lockout{Known: true, Origin: lockout + " of " + dn}}, nil
			case !strings.EqualFold(on, "on") || first(e, most) == "":
				return unknownRule(dn), nil
			}
			return rule{Lockout: guard.Lockout{
				Known: true, Threshold: countOf(e, most), Window: seconds(e, interval), Duration: seconds(e, duration), Origin: most + " of " + dn,
			}}, nil
		},
		seen: func(e *goldap.Entry, now time.Time) guard.Seen {
			if t := changed(first(e, reset)); !t.IsZero() && !now.Before(t) {
				return guard.Seen{}
			}
			return guard.Seen{Failures: countOf(e, failures)}
		},
	}
}

// kerberosLockout is that of FreeIPA, whose policies are those of the Kerberos realm.
func kerberosLockout() lockoutDialect {
	const most, interval, duration = "krbPwdMaxFailure", "krbPwdFailureCountInterval", "krbPwdLockoutDuration"
	const failures, last = "krbLoginFailedCount", "krbLastFailedAuth"
	entries := ruleEntries{class: "krbPwdPolicy", attributes: []string{most, interval, duration}, parse: func(e *goldap.Entry) rule {
		if first(e, most) == "" {
			return unknownRule(e.DN)
		}
		return rule{Lockout: guard.Lockout{
			Known: true, Threshold: countOf(e, most), Window: seconds(e, interval), Duration: seconds(e, duration), Origin: most + " of " + e.DN,
		}}
	}}
	return lockoutDialect{
		attributes: []string{failures, last}, rule: "krbPwdPolicyReference", read: entries.read, further: entries.all,
		usual: kerberosThreshold, named: guessed,
		seen: func(e *goldap.Entry, _ time.Time) guard.Seen {
			return guard.Seen{Failures: countOf(e, failures), Last: changed(first(e, last))}
		},
	}
}

// ruleEntries are rules that stand somewhere in the directory as entries of one class.
type ruleEntries struct {
	class      string
	attributes []string
	parse      func(e *goldap.Entry) rule
}

// read reads one rule, or for accounts that name none the strictest of all as to lockout, and the laxest as to age: what
// holds whichever of them it is.
func (r ruleEntries) read(ctx context.Context, b *Backend, name string) (rule, *serverError) {
	if name != "" {
		e, f := b.readRule(ctx, name, r.attributes)
		if f != nil {
			return unknownRule(name), f
		}
		return r.parse(e), nil
	}
	rules, f := r.search(ctx, b)
	if l := strictest(rules); l.Known {
		return rule{l, laxest(rules)}, nil
	}
	return rule{Lockout: guard.Lockout{Origin: "no " + r.class + " can be read below " + b.options.BaseDN}}, f
}

// all reads every rule that is not the one for accounts that name none.
func (r ruleEntries) all(ctx context.Context, b *Backend) []guard.Lockout {
	rules, _ := r.search(ctx, b)
	usual := strictest(rules)
	var further []guard.Lockout
	for _, r := range rules {
		if r.Origin != usual.Origin {
			further = append(further, r.Lockout)
		}
	}
	return further
}

// search reads every rule.
func (r ruleEntries) search(ctx context.Context, b *Backend) ([]rule, *serverError) {
	entries, f := b.searchRules(ctx, b.options.BaseDN, r.class, r.attributes)
	rules := make([]rule, 0, len(entries))
	for _, e := range entries {
		rules = append(rules, r.parse(e))
	}
	return rules, f
}

// countOf gives the number that an attribute holds, zero for none.
func countOf(e *goldap.Entry, attribute string) int {
	n, err := strconv.Atoi(strings.TrimSpace(first(e, attribute)))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// seconds gives the time that an attribute holds as a number of seconds.
func seconds(e *goldap.Entry, attribute string) time.Duration {
	const most = 1 << 31 // which is longer than anybody waits
	return time.Duration(min(countOf(e, attribute), most)) * time.Second
}
