package gate

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/names"
)

// When and how much the follower of names looks.
const (
	followEvery  = time.Second      // for another policy, and to count what has moved
	surveyFirst  = 10 * time.Second // after the start
	surveyEvery  = time.Hour
	surveyPace   = 50 * time.Millisecond
	surveyMost   = 2000
	surveyAnswer = 5 * time.Second
)

// NamesPath is the file in which a gate of this configuration remembers whose login names are.
func NamesPath(cfg config.Config) string { return filepath.Join(cfg.StateDir, "login-names.jsonl") }

// newNames opens the memory of login names.
func newNames(cfg config.Config, log *slog.Logger) *names.Memory {
	return names.Open(names.Options{Path: NamesPath(cfg), Observer: names.Observer{
		Moved: func(o names.Owner) {
			log.Warn("login name that the policy follows belongs to another account now",
				"directory", o.Directory, "name", o.Name, "was_id", o.ID, "is_id", o.Now)
		},
		Failed: func(err error) { log.Warn("login names not remembered", "error", err) },
	}})
}

// follower tells the memory of those login names that the policy follows: whom a rule names by user:, and whom
// something was granted through <user>. No request waits for it.
type follower struct {
	memory      *names.Memory
	live        *policy.Live
	directories *directories
	show        func(directory string, moved int)

	followed atomic.Pointer[followed]
}

// followed is what a policy follows. It is immutable.
type followed struct {
	policy *policy.Policy
	named  map[policy.UserName]bool // whom rules name by user:
	holes  map[string]bool          // the directories whose names stand for <user>
}

// newFollower makes a follower.
func newFollower(m *names.Memory, live *policy.Live, d *directories, show func(string, int)) *follower {
	f := &follower{memory: m, live: live, directories: d, show: show}
	f.refresh()
	return f
}

// served notes to whom a token was granted, if what a rule says about their name has anything to do with it.
func (f *follower) served(g *authority.Grant) {
	who := &g.Principal
	if who.Kind != identity.Person {
		return
	}
	named := f.followed.Load().named[policy.UserName{Directory: who.Source, Name: identity.Fold(who.Name)}]
	follows := named
	for i := range g.Decisions {
		follows = follows || g.Decisions[i].FollowsName()
	}
	if follows {
		f.memory.Note(names.Sighting{Directory: who.Source, Name: who.Name, ID: who.ID, Named: named})
	}
}

// refresh takes the names of the policy in force.
func (f *follower) refresh() {
	p, now := f.live.Load(), f.followed.Load()
	if now == nil || now.policy != p {
		f.followed.Store(&followed{policy: p, named: p.UserNames(), holes: p.UserDirectories()})
	}
}

// run counts what has moved, and looks from time to time whose the names are that rules have: somebody who never
// logs in loses theirs, too.
func (f *follower) run(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	survey := time.NewTimer(surveyFirst)
	defer survey.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			f.refresh()
			f.count()
		case <-survey.C:
			f.survey(ctx)
			survey.Reset(surveyEvery)
		}
	}
}

// count shows how many names have moved that the policy follows.
func (f *follower) count() {
	moved, now := map[string]int{}, f.followed.Load()
	for _, o := range f.memory.Moved() {
		if now.holes[o.Directory] || now.named[policy.UserName{Directory: o.Directory, Name: o.Name}] {
			moved[o.Directory]++
		}
	}
	for _, d := range f.directories.list {
		f.show(d.name, moved[d.name])
	}
}

// survey asks the directories whose the names are that rules have.
func (f *follower) survey(ctx context.Context) {
	pace := time.NewTicker(surveyPace)
	defer pace.Stop()
	left, silent := surveyMost, map[string]bool{}
	for n := range f.followed.Load().named {
		if left--; left < 0 {
			return
		}
		if silent[n.Directory] {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		silent[n.Directory] = !f.look(ctx, n)
	}
}

// look asks whose one name is, and reports whether the directory answered.
func (f *follower) look(ctx context.Context, n policy.UserName) bool {
	d, err := f.directories.named(n.Directory)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, surveyAnswer)
	defer cancel()
	e, err := d.backend.Find(ctx, n.Name, 0)
	if err == nil && identity.Fold(e.Name) == n.Name {
		f.memory.Note(names.Sighting{Directory: n.Directory, Name: n.Name, ID: e.ID, Named: true})
	}
	return err == nil || answered(err)
}

// answered reports whether a directory has said that it has no such account, or not one alone.
func answered(err error) bool { return errors.Is(err, identity.ErrInvalidCredentials) }

// findUser gives the id of the account that has a login name; empty where there is none.
func (all *directories) findUser(ctx context.Context, name, login string) (string, error) {
	d, err := all.named(name)
	if err != nil {
		return "", err
	}
	e, err := d.backend.Find(ctx, login, directory.AnyAge)
	switch {
	case err != nil && answered(err):
		return "", nil
	case err != nil:
		return "", err
	case identity.Fold(e.Name) != identity.Fold(login):
		return "", nil // another name of an account is not the one that rules follow
	default:
		return e.ID, nil
	}
}
