package doctor

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// head is the header of a token (RFC 7515 section 4).
type head struct {
	Algorithm    string   `json:"alg"`
	KeyID        string   `json:"kid"`
	Certificates [][]byte `json:"x5c"`
}

// claims are those that a registry looks at. A list of audiences, or a time that is no whole number, is not read: some
// registries refuse it.
type claims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Expiry   int64  `json:"exp"`
}

// newIssued reads a token out of an answer.
func newIssued(r reply) (*issued, error) {
	text := r.AccessToken
	if text == "" {
		text = r.Token
	}
	parts := strings.Split(text, ".")
	const parties = 3 // header, claims, signature (RFC 7515 section 3.1)
	if len(parts) != parties {
		return nil, errors.New("it is not a signed JWT")
	}
	t := &issued{
		raw: identity.NewSecret(text), signed: []byte(text[:strings.LastIndexByte(text, '.')]),
		expiresIn: time.Duration(r.ExpiresIn) * time.Second,
	}
	var err error
	if t.signature, err = base64.RawURLEncoding.DecodeString(parts[2]); err != nil {
		return nil, errors.New("its signature is not base64url")
	}
	return t, errors.Join(part("header", parts[0], &t.header), part("claims", parts[1], &t.claims))
}

// part decodes one part of a token.
func part(name, text string, into any) error {
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(decoded, into)
	}
	if err != nil {
		return fmt.Errorf("its %s cannot be read", name)
	}
	return nil
}

// examine plays the registry: it holds the token against what the configuration promises, and against what the registry
// is configured with.
func (d *Doctor) examine(t *issued) {
	if t == nil {
		if d.o.Credentials == nil {
			d.report.unseen(CheckLogin, "nobody logged in, so neither the token nor what the registry says to it was seen", "log in with --user NAME")
		}
		return
	}
	d.issuer(t)
	if t.claims.Audience != d.o.Service {
		d.report.fault(CheckService, fmt.Sprintf("the token is for %q, not for %q", bounded(t.claims.Audience), d.o.Service), "look whether the realm is this gate")
	}
	d.key(t)
}

// issuer compares the token's issuer with both configurations.
func (d *Doctor) issuer(t *issued) {
	if t.claims.Issuer != d.o.Issuer {
		d.report.fault(CheckIssuer, fmt.Sprintf("the issuer of the token is %q, and that of the configuration %q", bounded(t.claims.Issuer), d.o.Issuer),
			"reload the gate if its configuration was changed; else the realm is another token server")
		return
	}
	if h := d.o.Holds; h != nil && h.Issuer != "" && h.Issuer != t.claims.Issuer {
		d.report.fault(CheckIssuer, fmt.Sprintf("the registry believes the issuer %q, and the token's is %q", bounded(h.Issuer), t.claims.Issuer),
			"set the registry's auth.token.issuer to "+t.claims.Issuer+" and restart it")
		return
	}
	d.report.ok(CheckIssuer, fmt.Sprintf("the issuer of the token is %q", t.claims.Issuer))
}

// key verifies the signature with what the gate publishes, and with what the registry holds.
func (d *Doctor) key(t *issued) {
	if len(d.o.Trusted) == 0 {
		d.report.unseen(CheckKey, "what registries should hold is not known: "+bounded(fmt.Sprint(d.o.TrustedError)), "run this as the gate's user, on its machine")
	} else {
		d.verify(t, d.o.Trusted, "what wharfgate registry prints", "reload the gate if its keys were changed; else -c is the configuration of another gate")
	}
	if h := d.o.Holds; h != nil && len(h.Trust) > 0 {
		d.verify(t, h.Trust, "what the registry holds", "install what wharfgate registry --format bundle prints at the registry, and restart it")
	}
}

// verify reports what a registry with these keys says to the token.
func (d *Doctor) verify(t *issued, trust []byte, whose, remedy string) {
	keys, err := readTrust(trust)
	if err == nil {
		err = keys.verify(t, d.o.Now(), d.o.Profile)
	}
	switch {
	case err == nil:
		d.report.ok(CheckKey, "the token is verified by "+whose)
	case errors.Is(err, errKeyForm):
		d.report.fault(CheckKeyForm, fmt.Sprintf("%s cannot verify such tokens: %s", whose, bounded(err.Error())), "set kind and key_form of the registry to what it runs, and install what wharfgate registry prints then")
	default:
		d.report.fault(CheckKey, fmt.Sprintf("the token is not verified by %s: %s", whose, bounded(err.Error())), remedy)
	}
}
