package ldap

import (
	"context"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// The attributes of Active Directory that a login name may be the value of.
const (
	samAccountName = "sAMAccountName"
	principalName  = "userPrincipalName"
	mailAddress    = "mail"
)

// people narrows accounts of Active Directory to those of people and services: no computers, trusts, groups or
// contacts ([MS-SAMR] section 2.2.1.9).
const people = "(sAMAccountType=805306368)"

// nameFilter gives the filter that finds the entry of a login name. An error is the answer: the name leads nowhere, or
// nobody could be asked what it means.
func (b *Backend) nameFilter(ctx context.Context, login string) (string, error) {
	if !b.shape.windows {
		return b.shape.loginFilter(login), nil
	}
	wanted, err := b.windowsName(ctx, login)
	if err != nil {
		return "", err
	}
	f := newFilter(b.shape.userFilter)
	for _, w := range wanted {
		f.equal(w.attribute, goldap.EscapeFilter(w.value))
	}
	return f.String(), nil
}

// wantedValue is an attribute with the value that it must have.
type wantedValue struct{ attribute, value string }

// windowsName says what a name means in Active Directory. DOMAIN\user is the sAMAccountName in that domain;
// user@suffix is the userPrincipalName, or the sAMAccountName where the suffix is the domain's own name, or the mail
// address; a bare name is the sAMAccountName. Each form is looked for in its own attributes only, so that a value
// that people may write themselves cannot stand for a name of another form. A form that the domain controllers take
// for a bind besides, such as a canonical name or a SID, is nobody's login here.
func (b *Backend) windowsName(ctx context.Context, login string) ([]wantedValue, error) {
	if domain, account, ok := strings.Cut(login, `\`); ok {
		return b.domainName(ctx, domain, account)
	}
	at := strings.LastIndexByte(login, '@')
	var wanted []wantedValue
	for _, a := range b.shape.loginAttributes {
		ofPrincipals := strings.EqualFold(a, principalName) || strings.EqualFold(a, mailAddress)
		switch {
		case strings.EqualFold(a, samAccountName) && at > 0:
			own, f := b.isOwnDomain(ctx, login[at+1:])
			if f != nil {
				return nil, b.unavailable(f)
			}
			if own {
				wanted = append(wanted, wantedValue{a, login[:at]})
			}
		case ofPrincipals == (at >= 0):
			wanted = append(wanted, wantedValue{a, login})
		case !ofPrincipals && !strings.EqualFold(a, samAccountName):
			wanted = append(wanted, wantedValue{a, login})
		}
	}
	if len(wanted) == 0 {
		return nil, b.notFound("this form of a name is not in users.login_attributes")
	}
	return wanted, nil
}

// domainName says what DOMAIN\account means: nothing unless it is this domain.
func (b *Backend) domainName(ctx context.Context, domain, account string) ([]wantedValue, error) {
	hasAccounts := slices.ContainsFunc(b.shape.loginAttributes, func(a string) bool { return strings.EqualFold(a, samAccountName) })
	if domain == "" || account == "" || !hasAccounts {
		return nil, b.notFound("")
	}
	own, f := b.isOwnDomain(ctx, domain)
	switch {
	case f != nil:
		return nil, b.unavailable(f)
	case !own:
		return nil, b.notFound("the name is of another domain")
	}
	return []wantedValue{{samAccountName, account}}, nil
}

// isOwnDomain reports whether a text is a name of the domain that base_dn is in.
func (b *Backend) isOwnDomain(ctx context.Context, text string) (bool, *serverError) {
	d, f := b.domain(ctx)
	if f != nil {
		return false, f
	}
	text = identity.Fold(text)
	return text != "" && (text == identity.Fold(d.dns) || text == identity.Fold(d.netBIOS)), nil
}
