package ldap

import (
	"context"
	"strings"
	"sync"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// domainLife is how long the names of the domain are remembered. They hardly ever change.
const domainLife = time.Hour

// domainNames are what people call the domain of Active Directory that base_dn is in.
type domainNames struct {
	dns     string // corp.example
	netBIOS string // CORP; empty where the service account may not read it
}

// domainMemory remembers them.
type domainMemory struct {
	mu    sync.Mutex
	names domainNames
	until time.Time
}

// domain gives the names of the domain. It asks for them now and then, and goes on with the old ones while nobody
// answers.
func (b *Backend) domain(ctx context.Context) (domainNames, *serverError) {
	now := b.options.Now()
	b.domains.mu.Lock()
	held, until := b.domains.names, b.domains.until
	b.domains.mu.Unlock()
	if held.dns != "" && now.Before(until) {
		return held, nil
	}
	names, f := b.readDomain(ctx)
	switch {
	case f != nil && held.dns != "":
		return held, nil
	case f != nil:
		return domainNames{}, f
	}
	b.domains.mu.Lock()
	defer b.domains.mu.Unlock()
	b.domains.names, b.domains.until = names, now.Add(domainLife)
	return names, nil
}

// readDomain reads the names from the cross reference of the domain ([MS-ADTS] section 6.1.1.2.1.1). Where the service
// account finds none, the DNS name is that of the DN.
func (b *Backend) readDomain(ctx context.Context) (domainNames, *serverError) {
	var names domainNames
	_, f := b.ask(ctx, nil, func(ctx context.Context, s *server) (f *serverError) {
		names, f = s.readDomain(ctx)
		return f
	})
	return names, f
}

// readDomain reads the names at one server.
func (s *server) readDomain(ctx context.Context) (domainNames, *serverError) {
	const configuration, dns, netBIOS, context = "configurationNamingContext", "dnsRoot", "nETBIOSName", "nCName"
	base := s.backend.options.BaseDN
	own := domainNames{dns: dnsName(base)}
	limit := s.backend.timeLimit()
	root, f := s.search(ctx, rootDSE(limit, configuration))
	if f != nil {
		return own, f
	}
	if len(root.Entries) != 1 || first(root.Entries[0], configuration) == "" {
		return own, &serverError{class: classConfig, step: "read the rootDSE", text: "it names no " + configuration + ": is this Active Directory?"}
	}
	result, f := s.search(ctx, &goldap.SearchRequest{
		BaseDN: "CN=Partitions," + first(root.Entries[0], configuration), Scope: goldap.ScopeSingleLevel,
		DerefAliases: goldap.NeverDerefAliases, TimeLimit: limit,
		Filter: "(&(objectClass=crossRef)(nETBIOSName=*))", Attributes: []string{dns, netBIOS, context},
	})
	switch {
	case f != nil && f.class == classAnswer && (f.code == resultNoSuchObject || f.code == resultInsufficientAccess):
		return own, nil
	case f != nil:
		return own, f
	}
	longest := 0
	for _, e := range result.Entries {
		dn := first(e, context)
		if len(dn) > longest && within(base, dn) {
			longest = len(dn)
			own = domainNames{dns: orElse(first(e, dns), own.dns), netBIOS: first(e, netBIOS)}
		}
	}
	return own, nil
}

// within reports whether a DN is another one or below it. A DN that cannot be parsed is nowhere.
func within(dn, base string) bool {
	key, err := identity.NormalDN(dn)
	if err != nil {
		return false
	}
	baseKey, err := identity.NormalDN(base)
	return err == nil && strings.HasSuffix(","+key, ","+baseKey)
}

// dnsName gives the DNS name that the domain components of a DN spell (RFC 2247).
func dnsName(dn string) string {
	parsed, err := goldap.ParseDN(dn)
	if err != nil {
		return ""
	}
	var labels []string
	for _, rdn := range parsed.RDNs {
		for _, a := range rdn.Attributes {
			if strings.EqualFold(a.Type, "dc") {
				labels = append(labels, a.Value)
			}
		}
	}
	return strings.Join(labels, ".")
}
