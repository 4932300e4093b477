package gate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
)

// TestLockoutRulesThatDeserveALook: what check says of the rules by which directories lock accounts.
func TestLockoutRulesThatDeserveALook(t *testing.T) {
	t.Parallel()
	const origin = "cn=policy"
	good := guard.Lockout{Known: true, Threshold: 5, Window: 10 * time.Minute, Duration: 30 * time.Minute, Origin: origin}
	with := func(edit func(*guard.Lockout)) guard.Lockout {
		l := good
		edit(&l)
		return l
	}
	tests := map[string]struct {
		rule guard.Lockout
		want Severity
		text string
	}{
		"as it should be":     {good, OK, "5 wrong passwords within 10m0s lock an account for 30m0s (cn=policy), so at most 3 binds"},
		"as long as the lock": {with(func(l *guard.Lockout) { l.Duration = l.Window }), OK, ""},
		"for good":            {with(func(l *guard.Lockout) { l.Duration = 0 }), OK, "lock an account for good"},
		"locks nobody":        {guard.Lockout{Known: true, Origin: origin}, OK, "lock no account"},
		"too few":             {with(func(l *guard.Lockout) { l.Threshold = 2 }), Warning, "a threshold of at least 3"},
		"never forgets":       {with(func(l *guard.Lockout) { l.Window = 0 }), Warning, "5 wrong passwords, however far apart, lock an account for 30m0s (cn=policy)"},
		"never forgets, says": {with(func(l *guard.Lockout) { l.Window = 0 }), Warning, "forgotten at a success only"},
		"longer than the lock": {
			with(func(l *guard.Lockout) { l.Duration = time.Minute }), Warning, "set a time for them that is not longer than the lock",
		},
		"not known": {guard.Lockout{Origin: "cn=policy may not be read"}, Warning, "is not known (cn=policy may not be read)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := severityOf(tt.rule); got != tt.want {
				t.Errorf("severity = %v, want %v", got, tt.want)
			}
			text := lockoutText(tt.rule, guard.Limits{})
			if !strings.Contains(text, tt.text) {
				t.Errorf("text = %q, want %q in it", text, tt.text)
			}
			if hasRemedy := strings.Contains(text, ";"); hasRemedy != (tt.want == Warning) {
				t.Errorf("text = %q: a remedy is there, %v, with severity %v", text, hasRemedy, tt.want)
			}
		})
	}
}

// TestRulesThatMayNotBeRead stand in one line, apart from those with another threshold to fear; what is known has its own.
func TestRulesThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	hidden := func(name string, threshold int) guard.Lockout {
		return guard.Lockout{Origin: name, Threshold: threshold}
	}
	good := guard.Lockout{Known: true, Threshold: 5, Origin: "good"}
	got := together([]guard.Lockout{hidden("a", 0), good, hidden("b", 3), hidden("c", 0)})
	want := []guard.Lockout{hidden("a, c", 0), good, hidden("b", 3)}
	if !slices.Equal(got, want) {
		t.Errorf("together = %+v, want %+v", got, want)
	}
}
