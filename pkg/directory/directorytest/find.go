package directorytest

import (
	"context"
	"errors"
	"fmt"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// find finds an entry of the harness that must be there.
func (h Harness) find(ctx context.Context, login string) (directory.Entry, error) {
	e, err := h.Backend.Find(ctx, login, 0)
	if err != nil {
		return e, fmt.Errorf("Find(%q): %w", login, err)
	}
	return e, nil
}

func findsEntry(ctx context.Context, h Harness) error {
	for _, account := range []Account{h.Known, h.Other} {
		e, err := h.find(ctx, account.Logins[0])
		if err != nil {
			return err
		}
		if e.ID == "" || e.DN == "" || e.ReadAt.IsZero() {
			return fmt.Errorf("Find(%q) = id %q, DN %q, read at %v, want all three", account.Logins[0], e.ID, e.DN, e.ReadAt)
		}
		if e.Name != account.Name {
			return fmt.Errorf("Find(%q).Name = %q, want %q", account.Logins[0], e.Name, account.Name)
		}
		if _, err := identity.NormalDN(e.DN); err != nil {
			return fmt.Errorf("Find(%q).DN = %q: %w", account.Logins[0], e.DN, err)
		}
	}
	return nil
}

func findsEveryLogin(ctx context.Context, h Harness) error {
	first, err := h.find(ctx, h.Known.Logins[0])
	if err != nil {
		return err
	}
	for _, login := range h.Known.Logins[1:] {
		e, err := h.find(ctx, login)
		if err != nil {
			return err
		}
		if e.ID != first.ID || e.Name != first.Name {
			return fmt.Errorf("Find(%q) = id %q, name %q, want %q, %q", login, e.ID, e.Name, first.ID, first.Name)
		}
	}
	other, err := h.find(ctx, h.Other.Logins[0])
	if err != nil {
		return err
	}
	if other.ID == first.ID {
		return fmt.Errorf("both accounts have the id %q", other.ID)
	}
	return nil
}

func refusesUnknown(ctx context.Context, h Harness) error {
	_, err := h.Backend.Find(ctx, h.Unknown, 0)
	return refusedFor("Find of an unknown name", err, identity.ReasonNotFound)
}

func refusesAmbiguous(ctx context.Context, h Harness) error {
	if h.Ambiguous == "" {
		return nil
	}
	_, err := h.Backend.Find(ctx, h.Ambiguous, 0)
	return refusedFor("Find of an ambiguous name", err, identity.ReasonAmbiguous)
}

// findsLiterally: what means something in a filter or a DN means nothing in a name.
func findsLiterally(ctx context.Context, h Harness) error {
	known := h.Known.Logins[0]
	names := []string{
		"*", known[:1] + "*", known + "*", "*)(uid=*", known + ")(objectClass=*", `\2a`, "(" + known + ")",
		known + ",", "uid=" + known, known + "\\", "<" + known + ">", "#" + known, known + "+cn=x",
	}
	for _, name := range names {
		e, err := h.Backend.Find(ctx, name, 0)
		if err == nil {
			return fmt.Errorf("Find(%q) = %q, want a refusal", name, e.DN)
		}
		if !errors.Is(err, identity.ErrInvalidCredentials) {
			return fmt.Errorf("Find(%q): error %w, want a refusal", name, err)
		}
	}
	return nil
}

// findsByID: an entry's id leads to the same entry, and to no other.
func findsByID(ctx context.Context, h Harness) error {
	for _, account := range []Account{h.Known, h.Other} {
		e, err := h.find(ctx, account.Logins[0])
		if err != nil {
			return err
		}
		same, err := h.Backend.FindID(ctx, e.ID, 0)
		if err != nil {
			return fmt.Errorf("FindID(%q): %w", e.ID, err)
		}
		if same.ID != e.ID || same.DN != e.DN || same.Name != e.Name || same.ReadAt.IsZero() {
			return fmt.Errorf("FindID(%q) = id %q, DN %q, name %q, want %q, %q", e.ID, same.ID, same.DN, same.Name, e.DN, e.Name)
		}
	}
	return nil
}

// refusesUnknownID: what is not an account's id is refused, whatever else it may name.
func refusesUnknownID(ctx context.Context, h Harness) error {
	e, err := h.find(ctx, h.Known.Logins[0])
	if err != nil {
		return err
	}
	for _, id := range []string{"", "*", h.Known.Logins[0], e.DN, e.ID + "0", e.ID + "*", "00000000-0000-4000-8000-000000000000"} {
		other, err := h.Backend.FindID(ctx, id, 0)
		if err == nil {
			return fmt.Errorf("FindID(%q) = %q, want a refusal", id, other.DN)
		}
		if !errors.Is(err, identity.ErrInvalidCredentials) {
			return fmt.Errorf("FindID(%q): error %w, want a refusal", id, err)
		}
	}
	return nil
}
