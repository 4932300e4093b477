package refresh_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/refresh"
)

const (
	service = "registry.example"
	source  = "corp"
	journal = "refresh-tokens.journal"
)

// people is a Resolver with a func, which notes what it was asked.
type people struct {
	mu      sync.Mutex
	resolve func() (identity.Principal, error)
	asked   []string
}

// Resolve implements identity.Resolver.
func (p *people) Resolve(_ context.Context, source, id string) (identity.Principal, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, source+" "+id)
	return p.resolve()
}

// say sets what is answered from now on.
func (p *people) say(who identity.Principal, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resolve = func() (identity.Principal, error) { return who, err }
}

// questions lists what was asked.
func (p *people) questions() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// rig is Tokens with everything around them.
type rig struct {
	*refresh.Tokens

	folder string
	store  *refresh.Store
	people *people

	mu     sync.Mutex
	now    time.Time
	told   []string
	failed []error
}

// changed is when the password of alice last changed.
func changed() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC) }

// alice is the account that the happy path knows.
func alice() identity.Principal {
	return identity.Principal{Kind: identity.Person, Source: source, ID: "id-1", Name: "alice", PasswordChanged: changed()}
}

// newRig makes a rig in a folder of its own.
func newRig(t testing.TB, edit func(*refresh.Options)) *rig {
	t.Helper()
	r := &rig{folder: filepath.Join(t.TempDir(), "state"), people: &people{}, now: time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)}
	r.people.say(alice(), nil)
	r.open(t, edit)
	return r
}

// clock tells the time of the rig.
func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// pass lets time go by.
func (r *rig) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// observer notes what is told.
func (r *rig) observer() refresh.Observer {
	note := func(text string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.told = append(r.told, text)
	}
	return refresh.Observer{
		Issued: func(service string) { note("issued " + service) },
		Used:   func(service, result string) { note("used " + service + " " + result) },
		Ended:  func(source string, why identity.Reason) { note("ended " + source + " " + string(why)) },
		Failed: func(err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.failed = append(r.failed, err)
		},
	}
}

// open opens the folder, as another process would.
func (r *rig) open(t testing.TB, edit func(*refresh.Options)) {
	t.Helper()
	store, err := refresh.Open(refresh.StoreOptions{Folder: r.folder, Now: r.clock, Observer: r.observer()})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	o := refresh.Options{
		Store: store, Resolver: r.people, Services: map[string]refresh.Service{service: {}}, Sources: []string{source},
		Observer: r.observer(), Now: r.clock,
	}
	if edit != nil {
		edit(&o)
	}
	tokens, err := refresh.New(o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	r.store, r.Tokens = store, tokens
}

// issue makes a token for alice.
func (r *rig) issue(t testing.TB) identity.Secret {
	t.Helper()
	token, id, err := r.Issue(t.Context(), service, alice())
	if err != nil || token.IsEmpty() || id == "" {
		t.Fatalf("Issue = %d bytes, %q, %v", len(token.Reveal()), id, err)
	}
	return token
}

// want redeems a token and checks the reason of the refusal; empty is none.
func (r *rig) want(t testing.TB, token identity.Secret, reason identity.Reason) {
	t.Helper()
	who, _, err := r.Redeem(t.Context(), service, token)
	if reason == "" {
		if err != nil || who.Name != "alice" {
			t.Errorf("Redeem = %+v, %v, want alice", who, err)
		}
		return
	}
	refusal, _ := errors.AsType[*identity.AccountError](err)
	if refusal == nil || refusal.Reason != reason || !errors.Is(err, identity.ErrInvalidCredentials) || who.Name != "" {
		t.Errorf("Redeem = %+v, %v, want a refusal for %s", who, err, reason)
	}
}

// file reads the journal.
func (r *rig) file(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.folder, journal))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
