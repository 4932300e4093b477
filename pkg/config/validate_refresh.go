package config

import (
	"fmt"
	"time"
)

// refreshTokens checks the refresh tokens of the registries.
func (v *validator) refreshTokens(c Config) {
	const leastIdle = 2 * time.Hour // it is kept by the hour
	for i, r := range c.Registries {
		path, t := index("registries", i)+".refresh_tokens", r.RefreshTokens
		switch {
		case t.Enabled && !c.Limits.Post:
			v.add(path+".enabled", "contradicts limits.post: false, as clients use refresh tokens by POST alone", "remove one of them")
		case t.Idle > 0 && t.Idle < leastIdle:
			v.add(path+".idle", fmt.Sprintf("must be 0s or at least %s, not %s", short(leastIdle), short(t.Idle)), "leave it out, or write 168h")
		case t.Idle > t.Lifetime:
			v.add(path+".idle", fmt.Sprintf("is longer than lifetime (%s)", short(t.Lifetime)), "make it shorter, or leave it out")
		}
	}
}
