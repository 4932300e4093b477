package ldap

import (
	"context"
	"fmt"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// The kinds that a server's own entry tells, in the words of the configuration.
const (
	kindActiveDirectory = "active_directory"
	kindSamba           = "samba"
	kindOpenLDAP        = "openldap"
	kind389DS           = "389ds"
	kindFreeIPA         = "freeipa"
	kindLLDAP           = "lldap"
	kindGLAuth          = "glauth"
	kindAuthentik       = "authentik"
	kindOkta            = "okta"
	kindJumpCloud       = "jumpcloud"
	kindGoogle          = "google"
	kindKanidm          = "kanidm"
	kindCustom          = "custom"
)

// recognition is what a server says of itself in its own entry, the rootDSE (RFC 4512 section 5.1, RFC 3045).
type recognition struct {
	kind    string // one of the kinds; empty if it cannot be told
	vendor  string // for people
	windows bool   // speaks the dialect of Active Directory
	behind  bool   // a domain controller that has not caught up with the others yet
}

// rootAttributes are what [recognize] looks at. Some servers give operational attributes by name only.
func rootAttributes() []string {
	return []string{
		"objectClass", "vendorName", "vendorVersion", "supportedCapabilities", "isSynchronized", "serverName",
		"ipaDomainLevel", "ipaTopologyPluginVersion", domainLevel, controllerLevel,
	}
}

// The functional levels of a domain and of a domain controller ([MS-ADTS] section 3.1.1.3.2).
const domainLevel, controllerLevel = "domainFunctionality", "domainControllerFunctionality"

// recognize reads what a server is from its own entry. Nothing that is written there makes it more than a hint.
func recognize(root *goldap.Entry) recognition {
	name := strings.TrimSpace(first(root, "vendorName") + " " + first(root, "vendorVersion"))
	r := recognition{
		windows: hasValue(root, "supportedCapabilities", activeDirectory),
		behind:  strings.EqualFold(first(root, "isSynchronized"), "FALSE"),
	}
	r.kind = kindOf(root, strings.ToLower(name), r.windows)
	switch {
	case r.kind == kindOpenLDAP:
		name = strings.TrimSpace("OpenLDAP " + name)
	case r.windows:
		name = strings.TrimSpace("Active Directory " + name)
	case r.kind == kindFreeIPA:
		name = strings.TrimSpace("FreeIPA " + name)
	case r.kind == kindGLAuth && name == "":
		name = "GLAuth"
	}
	r.vendor = bounded(name)
	return r
}

// kindOf gives the kind of a server, by its vendor in lower case and what only it has.
func kindOf(root *goldap.Entry, vendor string, windows bool) string {
	switch {
	case windows && strings.Contains(vendor, "samba"):
		return kindSamba
	case windows:
		return kindActiveDirectory
	case hasValue(root, "objectClass", "OpenLDAProotDSE"):
		return kindOpenLDAP
	case first(root, "ipaDomainLevel") != "", first(root, "ipaTopologyPluginVersion") != "":
		return kindFreeIPA
	case strings.Contains(vendor, "389 project"), strings.Contains(vendor, "389-directory"):
		return kind389DS
	case strings.Contains(vendor, "lldap"):
		return kindLLDAP
	case strings.Contains(vendor, "goauthentik"):
		return kindAuthentik
	case strings.Contains(vendor, "kanidm"):
		return kindKanidm
	case strings.Contains(vendor, "okta"):
		return kindOkta
	case vendor == "" && strings.EqualFold(first(root, "serverName"), "unknown"): // as GLAuth writes it
		return kindGLAuth
	default:
		return ""
	}
}

// tellsItself reports whether every server of a kind can be recognized.
func tellsItself(kind string) bool {
	switch kind {
	case kindActiveDirectory, kindSamba, kindOpenLDAP, kind389DS, kindFreeIPA, kindLLDAP, kindAuthentik, kindKanidm:
		return true
	default:
		return false
	}
}

// mismatch says in a sentence that a server is not of the configured kind, and what to do; empty if it may be.
func (r recognition) mismatch(configured string) string {
	switch {
	case configured == "", configured == kindCustom, configured == r.kind:
		return ""
	case configured == kindJumpCloud && r.kind == kindOpenLDAP, configured == kindGoogle && r.kind == "": // built on it; says nothing
		return ""
	case r.kind == "" && !tellsItself(configured):
		return ""
	case r.kind == "":
		return fmt.Sprintf("The directory's kind is %s, and the server does not say that it is one: correct kind, or write kind: custom.", configured)
	default:
		return fmt.Sprintf("The directory's kind is %s, but the server says that it is %s (%s): write kind: %s, or kind: custom.",
			configured, r.kind, orElse(r.vendor, "no vendor"), r.kind)
	}
}

// unfit is the fault of a method that the server does not have and would answer with no groups; nil if it has it.
func (r recognition) unfit(m Method) *serverError {
	if r.windows || m != InChain && m != TokenGroups {
		return nil
	}
	return &serverError{
		class: classConfig, step: "read the rootDSE",
		text: fmt.Sprintf("groups.method %s needs Active Directory, which this server (%s) does not say it is: use member_search or member_of", m, orElse(r.vendor, "vendor unknown")),
	}
}

// meet logs once what is wrong with the kind of a server.
func (s *server) meet(ctx context.Context, root *goldap.Entry) {
	if s.met.Swap(true) {
		return
	}
	o, r := &s.backend.options, recognize(root)
	if remedy := r.mismatch(o.Kind); remedy != "" {
		s.backend.log.WarnContext(ctx, "directory server is not of the configured kind", "server", s.url, "kind", o.Kind, "remedy", remedy)
	}
	if f := r.unfit(o.Groups.Method); f != nil {
		s.backend.log.ErrorContext(ctx, "directory server does not have the configured method for groups", "server", s.url, "fault", f.text)
	}
}

// hasValue reports whether an attribute has a value, compared without case.
func hasValue(e *goldap.Entry, attribute, value string) bool {
	for _, v := range e.GetEqualFoldAttributeValues(attribute) {
		if strings.EqualFold(v, value) {
			return true
		}
	}
	return false
}

// bounded gives a text of a server for people: short and printable.
func bounded(text string) string {
	const most = 100
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f {
			return -1
		}
		return r
	}, text)
	return text[:min(len(text), most)]
}
