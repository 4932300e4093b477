package registry

import (
	"fmt"
	"slices"
	"strings"
)

// Trust is in which form a registry takes the keys that it believes. It is a closed set.
type Trust string

// The forms of trust.
const (
	// TrustBundle is a PEM file of certificates: auth.token.rootcertbundle.
	TrustBundle Trust = "bundle"
	// TrustJWKS is a JWK Set file: auth.token.jwks.
	TrustJWKS Trust = "jwks"
	// TrustKey is a PEM file with one certificate: http.auth.bearer.cert of zot.
	TrustKey Trust = "key"
)

// Way is one way in which a registry's software can be told which key signed a token.
type Way struct {
	// Form is the key form: x5c, libtrust, rfc7638 or jwks.
	Form string
	// Algorithms are those that work in this form, by their RFC 7518 names.
	Algorithms []string
	// Trust is what the registry must hold for it.
	Trust Trust
}

// Profile is what a registry software accepts: data, from measurements on the real programs.
type Profile struct {
	// Kind names it in the configuration.
	Kind Kind
	// Title is what people call it.
	Title string
	// Ways are what works, the default first.
	Ways []Way
	// Refusals say why a form, or a form with an algorithm as "form/algorithm", does not work, where a reason is known.
	Refusals map[string]string
	// OwnKey is true for software that checks neither issuer nor audience, so that a token for any other registry whose
	// key it holds opens it.
	OwnKey bool
	// EmptyCatalog is true for software that asks for repository::pull where its catalog is meant.
	EmptyCatalog bool
}

// The algorithms, by their RFC 7518 names.
const (
	es256, rs256, edDSA = "ES256", "RS256", "EdDSA"
)

// Profiles lists every profile. To add one, measure what the software accepts and add an entry here: nothing else in the
// product knows one software from the other.
func Profiles() []Profile {
	const (
		noJWKS2   = "distribution 2 reads no JWKS; use x5c or libtrust"
		noThumb2  = "distribution 2 names keys by their libtrust fingerprint; use x5c or libtrust"
		noEdDSA2  = "distribution 2 does not start with an Ed25519 key in its bundle; use ES256 or RS256"
		noLibEd   = "libtrust knows no Ed25519 keys; use ES256 or RS256"
		wrongEC30 = "distribution 3.0 works out a wrong thumbprint for EC keys and none for Ed25519; use RS256, or the form jwks or x5c"
		noBoth    = "works with only one of distribution 2 and 3; set kind to the one that you run, or use x5c or libtrust"
	)
	both := []string{es256, rs256}
	all := []string{es256, rs256, edDSA}
	return []Profile{
		{
			Kind: Distribution, Title: "CNCF distribution 2.7, 2.8, 3.0 and 3.1",
			Ways: []Way{{"x5c", both, TrustBundle}, {"libtrust", both, TrustBundle}},
			Refusals: map[string]string{
				"jwks": noBoth, "rfc7638": noBoth, "x5c/EdDSA": noEdDSA2, "libtrust/EdDSA": noLibEd,
			},
		},
		{
			Kind: Distribution2, Title: "CNCF distribution 2.7 and 2.8",
			Ways:     []Way{{"x5c", both, TrustBundle}, {"libtrust", both, TrustBundle}},
			Refusals: map[string]string{"jwks": noJWKS2, "rfc7638": noThumb2, "x5c/EdDSA": noEdDSA2, "libtrust/EdDSA": noLibEd},
		},
		{
			Kind: Distribution30, Title: "CNCF distribution 3.0",
			Ways: []Way{
				{"x5c", all, TrustBundle}, {"jwks", all, TrustJWKS}, {"libtrust", both, TrustJWKS}, {"rfc7638", []string{rs256}, TrustBundle},
			},
			Refusals: map[string]string{"rfc7638/ES256": wrongEC30, "rfc7638/EdDSA": wrongEC30, "libtrust/EdDSA": noLibEd},
		},
		{
			Kind: Distribution3, Title: "CNCF distribution 3.1",
			Ways: []Way{
				{"x5c", all, TrustBundle}, {"jwks", all, TrustJWKS}, {"libtrust", both, TrustJWKS}, {"rfc7638", all, TrustBundle},
			},
			Refusals: map[string]string{"libtrust/EdDSA": noLibEd},
		},
		{
			Kind: Zot, Title: "zot 2.1", OwnKey: true, EmptyCatalog: true,
			Ways: []Way{{"rfc7638", all, TrustKey}},
			Refusals: map[string]string{
				"x5c":      "zot does not look at the certificate in a token, only at its one key; use rfc7638",
				"libtrust": "zot does not look at key ids; use rfc7638",
				"jwks":     "zot reads no JWKS; use rfc7638",
			},
		},
	}
}

// ProfileOf gives the profile of a kind; the zero Kind and unknown ones are [Distribution].
func ProfileOf(kind Kind) Profile {
	all := Profiles()
	for _, p := range all {
		if p.Kind == kind {
			return p
		}
	}
	return all[0]
}

// Way gives the way in which a key form and an algorithm work together, or an error that says why they do not and what
// does.
func (p Profile) Way(form, algorithm string) (Way, error) {
	for _, w := range p.Ways {
		if w.Form == form && slices.Contains(w.Algorithms, algorithm) {
			return w, nil
		}
	}
	for _, key := range []string{form + "/" + algorithm, form} {
		if why := p.Refusals[key]; why != "" {
			return Way{}, fmt.Errorf("%s with %s does not work with %s: %s", form, algorithm, p.Title, why)
		}
	}
	return Way{}, fmt.Errorf("%s with %s does not work with %s: use %s", form, algorithm, p.Title, strings.Join(p.words(), " or "))
}

// words gives what works, in words.
func (p Profile) words() []string {
	var all []string
	for _, w := range p.Ways {
		all = append(all, w.Form+" with "+strings.Join(w.Algorithms, ", "))
	}
	return all
}
