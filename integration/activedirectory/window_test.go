package activedirectory_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/samba"
)

// TestLDAP34_RightPasswordAfterTheWindow: a right password that was never proven is told to come again while strangers'
// wrong ones count, and is let in once the domain has forgotten them.
func TestLDAP34_RightPasswordAfterTheWindow(t *testing.T) {
	t.Parallel()
	const window, patience = 10 * time.Second, 40 * time.Second
	d := samba.Shared(t)
	g := start(t, asAdministrator{d})
	dn := d.AddUser(t, samba.User{Name: "windowed"})
	d.AddPolicy(t, "windowed", 40, samba.Lockout{Threshold: 5, Duration: window, Window: window}, dn)
	junk(t, g, "windowed", 8)
	if answer := g.Ask(t, "windowed", d.Password); answer.Status != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
		t.Errorf("within the window = %d, want 429 with Retry-After", answer.Status)
	}
	loopback.Eventually(t, patience, func() error {
		if answer := g.Ask(t, "windowed", d.Password); answer.Status != http.StatusOK {
			return fmt.Errorf("the right password = %d", answer.Status)
		}
		return nil
	})
	if d.IsLocked(t, dn) {
		t.Error("the account is locked")
	}
	if n := d.BadPasswords(t, dn); n > 3 {
		t.Errorf("%d wrong passwords are counted, want 3 at most", n)
	}
}
