package refresh_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/refresh"
)

func TestP79_RoundTrip(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	token, id, err := r.Issue(t.Context(), service, alice())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		who, used, err := r.Redeem(t.Context(), service, token)
		if err != nil || who.Name != "alice" || who.ID != "id-1" || used != id {
			t.Fatalf("Redeem = %+v, %q, %v, want alice and %q", who, used, err, id)
		}
	}
	if got, want := r.people.questions(), slices.Repeat([]string{"corp id:id-1"}, 4); !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}
	if want := []string{"issued registry.example", "used registry.example ok"}; !slices.Equal(slices.Compact(r.told), want) {
		t.Errorf("told %q, want %q", r.told, want)
	}
	if text := token.Reveal(); len(text) > 512 || strings.Contains(text, "id-1") || !strings.HasPrefix(text, "whgr_") {
		t.Errorf("the token has %d bytes: %s", len(text), text)
	}
	other := r.issue(t)
	if other.Reveal() == token.Reveal() {
		t.Error("two tokens are one")
	}
}

func TestIssueNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	stale, robot := alice(), alice()
	stale.Stale, robot.Kind = true, identity.Robot
	for name, c := range map[string]struct {
		service string
		who     identity.Principal
	}{
		"another service": {"other.example", alice()},
		"nobody":          {service, identity.Principal{}},
		"robot":           {service, robot},
		"stale":           {service, stale},
	} {
		if token, id, err := r.Issue(t.Context(), c.service, c.who); !token.IsEmpty() || id != "" || err != nil {
			t.Errorf("%s: Issue = %d bytes, %q, %v, want nothing", name, len(token.Reveal()), id, err)
		}
	}
	if n := len(r.people.questions()); n != 0 {
		t.Errorf("asked %d times", n)
	}
	down := &identity.RetryError{Err: identity.ErrUnavailable, Reason: identity.ReasonTimeout}
	r.people.say(identity.Principal{}, down)
	if token, _, err := r.Issue(t.Context(), service, alice()); !errors.Is(err, identity.ErrUnavailable) || !token.IsEmpty() {
		t.Errorf("Issue while nobody can be asked = %v", err)
	}
}

// TestP79_Refused: each token that is none has a reason of its own, and nobody is asked about it.
func TestP79_Refused(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *refresh.Options) { o.Services["other.example"] = refresh.Service{} })
	good := r.issue(t).Reveal()
	other, _, _ := r.Issue(t.Context(), "other.example", alice())
	foreign := newRig(t, nil)
	strange := foreign.issue(t)
	asked := len(r.people.questions())
	flip := func(i int) string { // of the sealed bytes
		b, _ := base64.RawURLEncoding.DecodeString(good[len("whgr_"):])
		b[i] ^= 1
		return "whgr_" + base64.RawURLEncoding.EncodeToString(b)
	}
	tests := map[string]struct {
		token  string
		reason identity.Reason
	}{
		"password":        {"correct horse battery staple", identity.ReasonRefreshMalformed},
		"prefix alone":    {"whgr_", identity.ReasonRefreshTruncated},
		"not base64":      {"whgr_!!!!!!!!", identity.ReasonRefreshMalformed},
		"another form":    {flip(0), identity.ReasonRefreshMalformed},
		"another key":     {flip(1), identity.ReasonRefreshUnknownKey},
		"length":          {flip(5), identity.ReasonRefreshTruncated},
		"nonce":           {flip(8), identity.ReasonRefreshForged},
		"content":         {flip(25), identity.ReasonRefreshForged},
		"tag":             {flip(len(good)*3/4 - 8), identity.ReasonRefreshForged},
		"one byte less":   {good[:len(good)-1], identity.ReasonRefreshTruncated},
		"half of it":      {good[:len(good)/2], identity.ReasonRefreshTruncated},
		"more behind it":  {good + "AAAA", identity.ReasonRefreshMalformed},
		"space behind it": {good + " ", identity.ReasonRefreshMalformed},
		"very long":       {"whgr_" + strings.Repeat("A", 10_000), identity.ReasonRefreshMalformed},
		"other gate":      {strange.Reveal(), identity.ReasonRefreshUnknownKey},
		"other service":   {other.Reveal(), identity.ReasonRefreshOtherService},
	}
	for name, c := range tests {
		if _, _, err := r.Redeem(t.Context(), service, identity.NewSecret(c.token)); refusal(err) != c.reason {
			t.Errorf("%s: Redeem = %v, want a refusal for %s", name, err, c.reason)
		}
	}
	if _, _, err := r.Redeem(t.Context(), "unknown.example", identity.NewSecret(good)); refusal(err) != identity.ReasonRefreshOff {
		t.Errorf("a service without refresh tokens = %v", err)
	}
	if n := len(r.people.questions()); n != asked {
		t.Errorf("asked %d times", n-asked)
	}
	r.want(t, identity.NewSecret(good), "")
}

// refusal gives the reason of a refusal.
func refusal(err error) identity.Reason {
	if e, ok := errors.AsType[*identity.AccountError](err); ok {
		return e.Reason
	}
	return ""
}

func TestP79_Times(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *refresh.Options) { o.Services[service] = refresh.Service{Lifetime: 48 * time.Hour} })
	token := r.issue(t)
	r.pass(-time.Minute)
	r.want(t, token, "") // the clock of another replica
	r.pass(-time.Second)
	r.want(t, token, identity.ReasonRefreshFuture)
	r.pass(time.Minute + time.Second + 48*time.Hour - 1)
	r.want(t, token, "")
	r.pass(1)
	r.want(t, token, identity.ReasonRefreshExpired)
}

func TestShorterLifetimeHoldsForOldTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	token := r.issue(t)
	r.pass(2 * time.Hour)
	r.open(t, nil)
	r.want(t, token, "")
	r.open(t, func(o *refresh.Options) { o.Services[service] = refresh.Service{Lifetime: time.Hour} })
	r.want(t, token, identity.ReasonRefreshExpired)
	r.open(t, func(o *refresh.Options) { o.Services[service] = refresh.Service{Lifetime: refresh.MaxLifetime} })
	r.pass(refresh.DefaultLifetime)
	r.want(t, token, identity.ReasonRefreshExpired) // a longer one does not lengthen what was made
}

// TestP79_UndatedPasswords: where the directory does not tell when a password changed, a token lives for a week.
func TestP79_UndatedPasswords(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	undated := alice()
	undated.PasswordChanged = time.Time{}
	r.people.say(undated, nil)
	token, _, err := r.Issue(t.Context(), service, undated)
	if err != nil {
		t.Fatal(err)
	}
	r.pass(refresh.UndatedLifetime - 1)
	r.want(t, token, "")
	r.pass(1)
	r.want(t, token, identity.ReasonRefreshExpired)
	token, _, _ = r.Issue(t.Context(), service, undated)
	r.people.say(alice(), nil) // the directory begins to tell
	r.want(t, token, identity.ReasonRefreshPasswordChanged)
}

func TestP79_PasswordChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	token, now := r.issue(t), alice()
	for name, c := range map[string]struct {
		changed time.Time
		reason  identity.Reason
	}{
		"later":                       {changed().Add(100), identity.ReasonRefreshPasswordChanged},
		"as it was":                   {changed(), ""},
		"a memory from before":        {changed().Add(-time.Hour), ""},
		"the directory tells no more": {time.Time{}, identity.ReasonRefreshPasswordChanged},
	} {
		now.PasswordChanged = c.changed
		r.people.say(now, nil)
		if _, _, err := r.Redeem(t.Context(), service, token); refusal(err) != c.reason {
			t.Errorf("%s: Redeem = %v, want %q", name, err, c.reason)
		}
	}
	// The memory of the login may be older than that of the id, and the other way round.
	before := alice()
	before.PasswordChanged = changed().Add(-time.Hour)
	r.people.say(alice(), nil)
	token, _, err := r.Issue(t.Context(), service, before)
	if err != nil {
		t.Fatal(err)
	}
	r.want(t, token, "")
}

// TestP79_Accounts: what ends tokens for good, and what only refuses them.
func TestP79_Accounts(t *testing.T) {
	t.Parallel()
	for _, reason := range identity.Reasons() {
		if reason == identity.ReasonOK {
			continue
		}
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			token := r.issue(t)
			r.pass(time.Second)
			r.people.say(identity.Principal{}, &identity.AccountError{Reason: reason, Source: source, ID: "id-1"})
			r.want(t, token, reason)
			r.people.say(alice(), nil)
			if !slices.Contains(refresh.Ending(), reason) {
				r.want(t, token, "")
				return
			}
			r.want(t, token, identity.ReasonRefreshRevoked)
			r.open(t, nil)
			r.want(t, token, identity.ReasonRefreshRevoked)
			r.pass(time.Second)
			r.want(t, r.issue(t), "") // who logs in again is welcome
			if want := "ended corp " + string(reason); !slices.Contains(r.told, want) {
				t.Errorf("told %q, want %q", r.told, want)
			}
		})
	}
	if slices.Contains(refresh.Ending(), identity.ReasonLocked) {
		t.Error("whoever locks an account ends its tokens")
	}
}

// TestP79_DirectoryDown: what cannot be asked is never a no.
func TestP79_DirectoryDown(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	token := r.issue(t)
	for _, err := range []error{
		&identity.RetryError{Err: identity.ErrUnavailable, Reason: identity.ReasonTimeout}, identity.ErrThrottled, errors.New("fault"),
	} {
		r.people.say(identity.Principal{}, err)
		if _, _, got := r.Redeem(t.Context(), service, token); !errors.Is(got, err) || errors.Is(got, identity.ErrInvalidCredentials) {
			t.Errorf("Redeem = %v, want %v", got, err)
		}
	}
	other := alice()
	other.ID = "id-2"
	r.people.say(other, nil)
	if _, _, err := r.Redeem(t.Context(), service, token); !errors.Is(err, identity.ErrUnavailable) {
		t.Errorf("another account than that of the token: %v", err)
	}
	stale := alice()
	stale.Stale = true
	r.people.say(stale, nil)
	if who, _, err := r.Redeem(t.Context(), service, token); err != nil || !who.Stale {
		t.Errorf("Redeem from a memory = %+v, %v", who, err)
	}
}

// TestNobodyCanTellWhetherItIsDisabled: no bind follows a refresh token, so that there is none where only a bind would tell.
func TestNobodyCanTellWhetherItIsDisabled(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	token := r.issue(t)
	hidden := alice()
	hidden.Unjudged = true
	r.people.say(hidden, nil)
	who, _, err := r.Redeem(t.Context(), service, token)
	if !errors.Is(err, identity.ErrUnavailable) || errors.Is(err, identity.ErrInvalidCredentials) || who.Name != "" {
		t.Errorf("Redeem = %+v, %v, want ErrUnavailable", who, err)
	}
	if token, _, err := r.Issue(t.Context(), service, alice()); !errors.Is(err, identity.ErrUnavailable) || !token.IsEmpty() {
		t.Errorf("Issue = %v, want ErrUnavailable", err)
	}
	r.people.say(alice(), nil)
	r.want(t, token, "")
}

// TestDirectoryTakenOutOfTheConfiguration: its tokens are refused, and live on should it come back.
func TestDirectoryTakenOutOfTheConfiguration(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	token := r.issue(t)
	r.open(t, func(o *refresh.Options) { o.Sources = []string{"partner"} })
	r.want(t, token, identity.ReasonNotFound)
	r.open(t, nil)
	r.want(t, token, "")
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for name, edit := range map[string]func(*refresh.Options){
		"no store":    func(o *refresh.Options) { o.Store = nil },
		"no resolver": func(o *refresh.Options) { o.Resolver = nil },
		"too long":    func(o *refresh.Options) { o.Services[service] = refresh.Service{Lifetime: refresh.MaxLifetime + 1} },
		"negative":    func(o *refresh.Options) { o.Services[service] = refresh.Service{Idle: -1} },
	} {
		o := refresh.Options{Store: r.store, Resolver: r.people, Services: map[string]refresh.Service{}}
		edit(&o)
		if _, err := refresh.New(o); !errors.Is(err, refresh.ErrInvalidOptions) {
			t.Errorf("%s: New = %v", name, err)
		}
	}
}

// TestSecretsDoNotShow: neither a token nor a key is in what is printed of them.
func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	token := r.issue(t)
	r.people.say(identity.Principal{}, &identity.AccountError{Reason: identity.ReasonDisabled})
	_, _, err := r.Redeem(t.Context(), service, token)
	text := fmt.Sprintf("%v %+v %#v %v", token, token, token, err)
	if strings.Contains(text, "whgr_") {
		t.Errorf("printed: %s", text)
	}
}

// FuzzRedeem: no text but the token itself stands for the account, and none is a fault.
func FuzzRedeem(f *testing.F) {
	r := newRig(f, nil)
	token := r.issue(f)
	f.Add("")
	f.Add("whgr_AQ")
	f.Add(token.Reveal())
	f.Add(token.Reveal()[:40])
	f.Fuzz(func(t *testing.T, text string) {
		who, _, err := r.Redeem(t.Context(), service, identity.NewSecret(text))
		if same := text == token.Reveal(); same != (err == nil) || same != (who.Name == "alice") {
			t.Errorf("Redeem(%q) = %+v, %v", text, who, err)
		}
		if err != nil && !slices.Contains(identity.RefreshReasons(), refusal(err)) {
			t.Errorf("Redeem(%q) = %v, want a reason of its own", text, err)
		}
	})
}
