package doctor

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
)

// present shows the token to the registry, as every client does in the end.
func (d *Doctor) present(ctx context.Context, t *issued) {
	if t == nil || d.registry == nil || d.report.faulty(CheckRegistry) || !d.registryClock.seen {
		return
	}
	got, err := d.show(ctx, t.raw.Reveal())
	switch {
	case err != nil:
		_, text, remedy := unreachable(theRegistry, d.registry, err)
		d.report.fault(CheckToken, text, remedy)
	case got.status == http.StatusOK:
		d.report.ok(CheckToken, "the registry believes the token")
	case got.status == http.StatusUnauthorized:
		d.disbelieved(ctx, t)
	default:
		d.report.fault(CheckToken, fmt.Sprintf("the registry answers %d to the token", got.status), "look at the registry's log, and at the proxy before it")
	}
}

// show sends a token to the registry.
func (d *Doctor) show(ctx context.Context, token string) (answer, error) {
	return d.web.ask(ctx, d.registry.JoinPath("/v2/"), nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) })
}

// disbelieved says why a registry refuses a token, as far as it lets one know. It gives the same answer to everything but
// this: the third generation looks for the key first and then answers a wrong signature without an error word. So where
// it has none for the token with its signature broken, it believes the key, and of what it compares after that only the
// issuer is left.
func (d *Doctor) disbelieved(ctx context.Context, t *issued) {
	const text = "the registry refuses the token"
	if d.report.faulty(CheckService, CheckIssuer, CheckKey, CheckKeyForm, CheckClock) {
		d.report.fault(CheckToken, text, "mend the faults above first")
		return
	}
	if d.believesKey(ctx, t) {
		d.report.fault(CheckIssuer, text+" and believes its key: its issuer is not "+t.claims.Issuer, "set the registry's auth.token.issuer to "+t.claims.Issuer+" and restart it")
		return
	}
	if h := d.o.Holds; h != nil && h.Issuer != "" && len(h.Trust) > 0 {
		d.report.fault(CheckToken, text+", although its configuration would believe it", "restart the registry: it reads its configuration and bundle only at its start")
		return
	}
	d.report.fault(CheckToken, text+": its auth.token.issuer is not "+t.claims.Issuer+", or it does not hold the gate's bundle, or it cannot read the key form",
		"give its configuration with --registry-config to see which; its log says so, too")
}

// believesKey reports whether the registry answers a broken signature without an error word.
func (d *Doctor) believesKey(ctx context.Context, t *issued) bool {
	if len(t.signature) == 0 {
		return false
	}
	broken := append([]byte(nil), t.signature...)
	broken[len(broken)/2] ^= 1
	got, err := d.show(ctx, string(t.signed)+"."+base64.RawURLEncoding.EncodeToString(broken))
	if err != nil || got.status != http.StatusUnauthorized {
		return false
	}
	bearer := bearerOf(got.header)
	_, worded := bearer["error"]
	return bearer != nil && !worded
}
