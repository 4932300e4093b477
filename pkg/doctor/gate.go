package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// reply is what a token server answers; errors in the form of the registry API.
type reply struct {
	Token       string `json:"token"`
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"`
	Errors      []struct {
		Message string `json:"message"`
	} `json:"errors"`
}

// read reads an answer's body; one that is not JSON gives the zero reply.
func (a answer) read() (r reply) {
	if json.Unmarshal(a.body, &r) != nil {
		return reply{}
	}
	return r
}

// said quotes the message of a refusal.
func (r reply) said() string {
	if len(r.Errors) == 0 {
		return "no message in the form of the registry API"
	}
	return fmt.Sprintf("%q", bounded(r.Errors[0].Message))
}

// follow asks where clients are sent, if that is another host than the gate's own. No password goes there.
func (d *Doctor) follow(ctx context.Context) {
	if d.realm == d.endpoint {
		return
	}
	got, err := d.web.ask(ctx, withQuery(d.realm, url.Values{"service": {d.o.Service}}), nil, nil)
	switch {
	case err != nil:
		check, text, remedy := unreachable("what the registry's realm names", d.realm, err)
		d.report.fault(check, text, remedy)
	case got.status != http.StatusOK && got.status != http.StatusUnauthorized:
		d.report.fault(CheckGate, fmt.Sprintf("%s answers %d: %s", bounded(d.realm.String()), got.status, got.read().said()),
			"set the registry's auth.token.realm to "+d.endpoint.String())
	}
}

// login asks for a token as docker does: GET, with the credentials if there are any. It gives nil without one.
func (d *Doctor) login(ctx context.Context) *issued {
	query := url.Values{"service": {d.o.Service}}
	if c := d.o.Credentials; c != nil {
		query.Set("account", c.Username)
		query.Set("client_id", "docker")
	} else {
		query.Set("scope", "repository:wharfgate/doctor:pull") // without any, nobody is served who has no name
	}
	sent := d.o.Now()
	got, err := d.web.ask(ctx, withQuery(d.endpoint, query), nil, func(r *http.Request) {
		if c := d.o.Credentials; c != nil {
			r.SetBasicAuth(c.Username, c.Password.Reveal())
		}
	})
	if err != nil {
		check, text, remedy := unreachable(theGate, d.endpoint, err)
		verb := "answered"
		if check == CheckTLS || neverSent(err) {
			verb = "tried"
		}
		d.hindered(verb, check, text, remedy)
		return nil
	}
	d.gateClock = got.skew
	if got.status != http.StatusOK {
		d.refused(got)
		return nil
	}
	t, err := newIssued(got.read())
	if err != nil {
		d.hindered("answered", CheckGate, "the gate answers 200 with something that is no token: "+err.Error(), "look whether a proxy answers in its place")
		return nil
	}
	if c := t.clock(sent, d.o.Now()); c.seen {
		d.gateClock = c // the time of the one that signs; a proxy may write the Date
	}
	d.report.ok(CheckGate, "the gate answers at "+d.endpoint.String())
	if d.o.Credentials != nil {
		d.report.ok(CheckLogin, "docker's login works")
	}
	return t
}

// hindered reports what keeps a token request from the gate, or the gate's answer from whoever asks. Of a login nothing is
// known then.
func (d *Doctor) hindered(verb string, check Check, text, remedy string) {
	d.report.fault(check, text, remedy)
	d.hindrance = check
	if d.o.Credentials != nil {
		d.report.unseen(CheckLogin, fmt.Sprintf("the login was not %s: a fault of %s is in its way", verb, check), "mend that first")
	}
}

// away reports whether the gate's own answers were not seen.
func (d *Doctor) away() bool { return d.hindrance == CheckTLS || d.hindrance == CheckGate }

// refused says what a token request without a token means.
func (d *Doctor) refused(got answer) {
	const verb = "answered"
	said := got.read().said()
	switch got.status {
	case http.StatusUnauthorized:
		if len(got.read().Errors) == 0 {
			d.hindered(verb, CheckGate, "401 comes from somebody else than the gate: "+said, "look which proxy or program answers at "+d.endpoint.String())
			return
		}
		d.report.ok(CheckGate, "the gate answers at "+d.endpoint.String())
		if d.o.Credentials != nil {
			d.report.fault(CheckLogin, "the gate refuses this login: "+said, "wharfgate login shows why")
		}
	case http.StatusBadRequest:
		d.hindered(verb, CheckService, fmt.Sprintf("the gate refuses the service %q: %s", d.o.Service, said), "reload the gate if the configuration was changed")
	case http.StatusNotFound:
		d.hindered(verb, CheckGate, fmt.Sprintf("there is no token endpoint at %s: %s", d.endpoint, said),
			"correct the realm, or switch its path on with former_paths; a proxy must keep the path")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		d.report.fault(CheckLogin, fmt.Sprintf("the gate answers %d: %s", got.status, said), "wharfgate check --online shows why")
	default:
		d.hindered(verb, CheckGate, strange(got), "look which proxy stands before the gate; it must pass requests on as they are")
	}
}

// strange says what an answer is that the gate does not give.
func strange(got answer) string {
	if to := got.header.Get("Location"); to != "" {
		return fmt.Sprintf("%d sends clients on to %q: they turn a POST into a GET, or refuse", got.status, bounded(to))
	}
	return fmt.Sprintf("the answer is %d: %s", got.status, got.read().said())
}

// post asks as containerd does first: by POST. A password is sent only where it was right before, so that a wrong one
// counts once. Without one the gate must complain about that, which shows that POST arrives.
func (d *Doctor) post(ctx context.Context, t *issued) {
	if d.away() {
		d.report.unseen(CheckPost, "POST was not tried, as GET does not work", "")
		return
	}
	form := url.Values{"grant_type": {"password"}, "service": {d.o.Service}, "client_id": {"containerd-client"}}
	logs := t != nil && d.o.Credentials != nil
	if logs {
		form.Set("username", d.o.Credentials.Username)
		form.Set("password", d.o.Credentials.Password.Reveal())
	}
	got, err := d.web.ask(ctx, d.endpoint, form, nil)
	if err != nil {
		d.report.fault(CheckPost, "POST is not answered, and GET is: "+bounded(err.Error()), "let the proxy before the gate pass POST on")
		return
	}
	r := got.read()
	switch {
	case got.status == http.StatusOK && r.AccessToken != "":
		d.report.ok(CheckPost, "containerd's login by POST works")
	case got.status == http.StatusBadRequest && !logs && len(r.Errors) > 0:
		d.report.ok(CheckPost, "POST reaches the gate")
	case got.status == http.StatusNotFound:
		d.report.warn(CheckPost, "POST is answered 404: each login of containerd and helm costs a request more, and stored refresh tokens do not work",
			"set limits.post: true, and let the proxy pass POST on")
	case got.status == http.StatusForbidden || got.status == http.StatusMethodNotAllowed:
		d.report.fault(CheckPost, fmt.Sprintf("POST is answered %d: containerd gives up there, or at its refresh token", got.status), "let the proxy before the gate pass POST on")
	default:
		d.report.fault(CheckPost, "POST: "+strange(got), "let the proxy before the gate pass POST on as it is")
	}
}

// withQuery adds parameters to those that a URL has already, as clients do.
func withQuery(u *url.URL, add url.Values) *url.URL {
	copied := *u
	query := copied.Query()
	maps.Copy(query, add)
	copied.RawQuery = query.Encode()
	return &copied
}

// issued is a token that the gate gave.
type issued struct {
	raw       identity.Secret
	header    head
	claims    claims
	signed    []byte // what the signature is over
	signature []byte
	expiresIn time.Duration
}

// clock reads the gate's time out of a token: it expires so long after it was made.
func (t *issued) clock(sent, received time.Time) skew {
	if t.expiresIn <= 0 {
		return skew{}
	}
	made := time.Unix(t.claims.Expiry, 0).Add(-t.expiresIn)
	return measure(made.UTC().Format(http.TimeFormat), sent, received)
}
