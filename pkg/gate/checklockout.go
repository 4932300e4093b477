package gate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// lockout tells how a directory locks accounts, and what follows from that for failed binds.
func (c *checker) lockout(ctx context.Context, d *directoryParts) {
	where, limits := "directory "+d.name, guard.Limits{}
	for _, cfg := range c.cfg.Directories {
		if cfg.Name == d.name {
			limits = limitsOf(c.cfg, cfg)
		}
	}
	rule := d.backend.Lockout(ctx, directory.Entry{})
	if !d.backend.TellsLockout() {
		l := limits.Under(rule)
		c.add(OK, where, fmt.Sprintf("%s, and at most %s of an account fail here within %s, as failed_binds says", rule.Origin, plural(l.Max, "bind"), l.Window))
		return
	}
	c.add(severityOf(rule), where, lockoutText(rule, limits))
	for _, rule := range together(d.backend.FurtherLockouts(ctx)) {
		c.add(severityOf(rule), where, "for some accounts: "+lockoutText(rule, limits))
	}
}

// together makes one of the rules that are not known, for each threshold to fear: there is one thing to do about them.
func together(rules []guard.Lockout) []guard.Lockout {
	var all []guard.Lockout
	for _, rule := range rules {
		i := slices.IndexFunc(all, func(l guard.Lockout) bool { return !l.Known && !rule.Known && l.Threshold == rule.Threshold })
		if i < 0 {
			all = append(all, rule)
			continue
		}
		all[i].Origin += ", " + rule.Origin
	}
	return all
}

// severityOf says whether a rule deserves a look.
func severityOf(rule guard.Lockout) Severity {
	if !rule.Known || rule.Threshold > 0 && lockoutRemedy(rule) != "" {
		return Warning
	}
	return OK
}

// lockoutRemedy says what is better changed about a rule that locks; empty if nothing is.
func lockoutRemedy(rule guard.Lockout) string {
	const tooFew = 3
	switch {
	case rule.Threshold < tooFew:
		return "a threshold of at least 3 leaves room for that"
	case rule.Window == 0:
		return "failures are forgotten at a success only, set a time for that"
	case rule.Duration > 0 && rule.Duration < rule.Window:
		return "failures count for longer than the lock lasts, so that one more locks the account again: set a time for them that is not longer than the lock"
	default:
		return ""
	}
}

// lockoutText says for people what a rule is, where it comes from, and what follows.
func lockoutText(rule guard.Lockout, limits guard.Limits) string {
	limit := limits.Under(rule)
	follows := fmt.Sprintf("so at most %s of an account fail here within %s", plural(limit.Max, "bind"), limit.Window)
	switch {
	case !rule.Known:
		return fmt.Sprintf("when accounts are locked is not known (%s), %s; let the service account read that, or set failed_binds.max to two less than the number that locks",
			orElse(rule.Origin, "nothing was told"), follows)
	case rule.Threshold == 0:
		return fmt.Sprintf("wrong passwords lock no account (%s), and %s", rule.Origin, follows)
	}
	span := fmt.Sprintf(" within %s", rule.Window)
	if rule.Window == 0 {
		span = ", however far apart,"
	}
	text := fmt.Sprintf("%s%s lock an account for %s (%s), %s",
		plural(rule.Threshold, "wrong password"), span, orNever(rule.Duration, "good"), rule.Origin, follows)
	if remedy := lockoutRemedy(rule); remedy != "" {
		text += "; " + remedy
	}
	return text
}

// revocation tells for how long a right is believed, at worst, after it was taken away.
func (c *checker) revocation(d config.Directory) {
	known := spread(d.Cache.TTL)
	life, push := time.Duration(0), time.Duration(0)
	for _, r := range c.cfg.Registries {
		life, push = max(life, r.TokenLifetime), max(push, r.PushTokenLifetime)
	}
	if life == 0 {
		life, push = authority.DefaultTokenLifetime, authority.DefaultPushTokenLifetime
	}
	text := fmt.Sprintf("a right that is taken away, or an account that is disabled, is out after %s at worst (for pushes that began before: %s)",
		known+life, known+push)
	if d.Cache.StaleIfDown > 0 {
		text += fmt.Sprintf("; if the directory goes down meanwhile, after %s", known+max(life, d.Cache.StaleIfDown+token.MinLifetime))
	}
	switch {
	case d.ProvenIfDown > 0:
		text += fmt.Sprintf("; a password that is changed while the directory is down works for %s", d.ProvenIfDown+token.MinLifetime)
	case d.ProvenFor > 0:
		text += fmt.Sprintf("; a password that is changed works for %s where the directory does not tell", d.ProvenFor+life)
	}
	c.add(OK, "directory "+d.Name, text)
}

// spread is the longest that something with a time to live is remembered.
func spread(ttl time.Duration) time.Duration {
	const most, whole = 115, 100 // as directory.Cached spreads it
	return (ttl * most / whole).Round(time.Second)
}

// orNever gives a time, or what zero means.
func orNever(d time.Duration, never string) string {
	if d == 0 {
		return never
	}
	return d.String()
}

// plural gives a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
