package doctor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// challenge asks the registry where its clients get tokens, as every client does first.
func (d *Doctor) challenge(ctx context.Context) {
	if d.registry == nil {
		d.report.unseen(CheckRegistry, "no registry was given, so only the gate is looked at", "give its URL with --registry")
		return
	}
	got, err := d.web.ask(ctx, d.registry.JoinPath("/v2/"), nil, nil)
	if err != nil {
		check, text, remedy := unreachable(theRegistry, d.registry, err)
		d.report.fault(check, text, remedy)
		return
	}
	d.registryClock = got.skew
	bearer := bearerOf(got.header)
	switch {
	case got.status != http.StatusUnauthorized:
		d.report.fault(CheckRegistry, fmt.Sprintf("%s answers %d without a token, not 401", d.registry.Host, got.status), notAsked(got.status))
	case bearer == nil:
		d.report.fault(CheckRegistry, fmt.Sprintf("%s asks for %q, not for a Bearer token", d.registry.Host, bounded(got.header.Get("WWW-Authenticate"))),
			"configure auth.token at the registry; wharfgate registry prints it")
	default:
		d.report.ok(CheckRegistry, d.registry.Host+" asks for a token")
		d.believe(bearer["realm"], bearer["service"])
	}
}

// notAsked says what to do about a registry that asks nobody for a token.
func notAsked(status int) string {
	switch {
	case status == http.StatusOK:
		return "anybody may do anything there: configure auth.token; wharfgate registry prints it"
	case status >= http.StatusInternalServerError:
		return "look at the registry's log, and at the proxy before it"
	default:
		return "give the URL below which /v2/ is the registry's API"
	}
}

// believe goes on with what the registry tells its clients.
func (d *Doctor) believe(realm, service string) {
	switch {
	case service == d.o.Service:
		d.report.ok(CheckService, fmt.Sprintf("the registry calls itself %q, and so does the gate", service))
	case slices.Contains(d.o.Services, service):
		d.report.fault(CheckService, fmt.Sprintf("the registry calls itself %q, which is another one of registries[].service than %q", bounded(service), d.o.Service),
			"look at that one with --service, or correct the registry's auth.token.service")
	default:
		d.report.fault(CheckService, fmt.Sprintf("the registry calls itself %q, and the gate knows it as %q", bounded(service), d.o.Service),
			"make the registry's auth.token.service and registries[].service the same, byte for byte")
	}
	d.believeRealm(realm)
}

// believeRealm goes on with where the registry sends its clients. Tokens are asked for there if it is the gate's own host;
// a password goes nowhere else.
func (d *Doctor) believeRealm(realm string) {
	u, err := url.Parse(realm)
	if err != nil || u.User != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		d.report.fault(CheckRealm, fmt.Sprintf("the registry's realm %q is not a URL that clients can ask", bounded(realm)), "set the registry's auth.token.realm to "+d.realm.String())
		return
	}
	d.realm = u
	if own := d.endpoint; u.Scheme == own.Scheme && strings.EqualFold(u.Host, own.Host) {
		d.endpoint = u
		return
	}
	d.report.warn(CheckRealm, fmt.Sprintf("the registry sends its clients to %q, and public_url is on %q", bounded(realm), d.endpoint.Scheme+"://"+d.endpoint.Host),
		"set the registry's auth.token.realm to "+d.endpoint.String()+", unless both are this gate")
}

// bearerOf reads the parameters of the first Bearer challenge (RFC 9110 section 11.6.1); nil without one. Of parameters
// that stand twice the first counts, and their names are in lower case.
func bearerOf(h http.Header) map[string]string {
	for _, line := range h.Values("WWW-Authenticate") {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.EqualFold(scheme, "Bearer") {
			return parameters(rest)
		}
	}
	return nil
}

// parameters reads name=value and name="value", separated by commas. What is no parameter ends the list.
func parameters(text string) map[string]string {
	all := make(map[string]string)
	for {
		name, rest, ok := strings.Cut(strings.TrimLeft(text, ", \t"), "=")
		if !ok {
			return all
		}
		var value string
		if quoted, err := strconv.QuotedPrefix(rest); err == nil && strings.HasPrefix(rest, `"`) {
			text = rest[len(quoted):]
			if value, err = strconv.Unquote(quoted); err != nil {
				return all
			}
		} else {
			value, text, _ = strings.Cut(rest, ",")
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := all[name]; !twice {
			all[name] = strings.TrimSpace(value)
		}
	}
}
