package gate

import (
	"fmt"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/refresh"
)

// cutID gives the id of a text that names an account by it.
func cutID(user string) (id string, ok bool) { return strings.CutPrefix(user, directory.IDPrefix) }

// refreshTokens looks at the store of refresh tokens, and tells how long they live.
func (c *checker) refreshTokens() {
	const where = "refresh tokens"
	services := refreshServices(c.cfg)
	if len(services) == 0 {
		return
	}
	if err := refresh.Check(c.cfg.StateDir); err != nil {
		c.add(Fault, where, err.Error())
	}
	for _, r := range c.cfg.Registries {
		if !r.RefreshTokens.Enabled {
			continue
		}
		text := fmt.Sprintf("registry %s gives refresh tokens that live %s", r.Service, r.RefreshTokens.Lifetime)
		if r.RefreshTokens.Idle > 0 {
			text += fmt.Sprintf(" and end when they are unused for %s", r.RefreshTokens.Idle)
		}
		c.add(OK, where, text)
		for _, d := range c.cfg.Directories {
			if r.RefreshTokens.Lifetime > refresh.UndatedLifetime {
				c.undated(where, r.Service, d)
			}
		}
	}
}

// undated tells where refresh tokens live for a shorter time, as a change of the password does not show.
func (c *checker) undated(where, service string, d config.Directory) {
	attribute := ldap.State(d.Users.State).PasswordChangedAttribute()
	if attribute == "" {
		c.add(Warning, where, fmt.Sprintf("directory %s does not tell when a password changed: its refresh tokens for %s live %s at most, and a change of the password does not end them; revoke them with: wharfgate tokens revoke",
			d.Name, service, refresh.UndatedLifetime))
		return
	}
	c.add(OK, where, fmt.Sprintf("directory %s tells by %s when a password changed; the refresh tokens for %s of an account without it live %s at most",
		d.Name, attribute, service, refresh.UndatedLifetime))
}
