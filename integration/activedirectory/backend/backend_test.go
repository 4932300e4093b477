package backend_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// windows gives the options of the kind active_directory for a server; edit changes them.
func windows(t testing.TB, s *samba.Server, edit func(*ldap.Options)) ldap.Options {
	t.Helper()
	o := ldap.Options{
		Source: "corp", Servers: []string{s.URL}, TLS: s.TLS(t), BaseDN: s.BaseDN, BindDN: s.BindDN,
		BindPassword: func() (identity.Secret, error) { return identity.NewSecret(s.Password), nil },
		Users: ldap.Users{
			LoginAttributes: []string{"sAMAccountName", "userPrincipalName", "mail"}, IDAttribute: "objectGUID",
			State: ldap.ActiveDirectoryState,
		},
		Groups: ldap.Groups{
			BaseDN: s.GroupsDN, Filter: securityGroups, Method: ldap.TokenGroups, Nested: true,
			NameAttribute: "sAMAccountName", IDAttribute: "objectSid",
			MemberAttributes: []string{"member"},
		},
		// What a test wants to know is not how fast a busy machine is.
		Timeouts: ldap.Timeouts{Dial: 10 * time.Second, Operation: 20 * time.Second, Stage: 30 * time.Second},
	}
	if edit != nil {
		edit(&o)
	}
	return o
}

// securityGroups are the groups that may be given rights.
const securityGroups = "(&(objectCategory=group)(groupType:1.2.840.113556.1.4.803:=2147483648))"

// openLDAP gives the options for OpenLDAP with a method that it does not have.
func openLDAP(s *slapd.Server, method ldap.Method) ldap.Options {
	groups := ldap.Groups{Method: method, Nested: true}
	if method == ldap.TokenGroups {
		groups.IDAttribute = "objectSid"
	}
	return ldap.Options{
		Source: "open", Servers: []string{s.PlainURL}, InsecurePlaintext: true, BaseDN: s.BaseDN, BindDN: s.BindDN,
		BindPassword: func() (identity.Secret, error) { return identity.NewSecret(s.Password), nil }, Groups: groups,
	}
}

// clock is a time that a test moves.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// start makes a Backend that runs as long as the test.
func start(t testing.TB, o ldap.Options) *ldap.Backend {
	t.Helper()
	b, err := ldap.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b
}

// attempts lets every bind through and keeps the outcomes.
type attempts struct{ outcomes []guard.Outcome }

func (a *attempts) Reserve(context.Context) (settle func(guard.Outcome), err error) {
	return func(o guard.Outcome) { a.outcomes = append(a.outcomes, o) }, nil
}

// login finds, proves and reads.
func login(ctx context.Context, b directory.Backend, name, password string) (directory.Entry, directory.Account, error) {
	e, err := b.Find(ctx, name, 0)
	if err != nil {
		return e, directory.Account{}, err
	}
	p, err := b.Prove(ctx, e, identity.NewSecret(password), &attempts{})
	if err != nil {
		return e, directory.Account{}, err
	}
	a, err := b.Account(ctx, e, p, 0)
	return e, a, err
}

// wantReason checks that an error refuses for a reason.
func wantReason(t *testing.T, what string, err error, want identity.Reason) {
	t.Helper()
	refusal, ok := errors.AsType[*identity.AccountError](err)
	if !ok || refusal.Reason != want {
		t.Errorf("%s: error %v, want a refusal for %s", what, err, want)
	}
}

// names gives the short names of groups, sorted, and how many have none.
func names(groups []identity.Group) (text string, nameless int) {
	var out []string
	for _, g := range groups {
		if g.Name == "" {
			nameless++
		} else {
			out = append(out, g.Name)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " "), nameless
}
