package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// Options says how to reach one directory and how its entries look. A kind of directory is a preset of
// these fields, filled in by whoever builds the Backend. [New] checks them without any network.
type Options struct {
	// Source is the directory's configured name; required.
	Source string
	// Kind is the configured kind, which is compared with what servers say of themselves. Empty compares nothing.
	Kind string
	// Servers are URLs in order of preference: ldaps://host[:port] or ldap://host[:port]. The form ldapi://
	// is refused: the service account of a gate has no business with the server's root socket. Required
	// without Discovery.
	Servers []string
	// Discovery finds the servers by DNS instead of Servers. Nil means that they are listed.
	Discovery *Discovery
	// TLS is the base of the client configuration: RootCAs and client certificates. ServerName and
	// MinVersion are set for each server. Nil means the machine's own roots.
	TLS *tls.Config
	// RootCAs gives the authorities that may sign the servers' certificates instead of those of TLS; it is asked
	// for each connection, so that a rotated file works at once. Nil means those of TLS.
	RootCAs func() *x509.CertPool
	// StartTLS turns each ldap:// connection into TLS before anything else is sent.
	StartTLS bool
	// InsecurePlaintext allows ldap:// without StartTLS; passwords then cross the network readable.
	InsecurePlaintext bool

	// BindDN is the service account. Empty means that searches are anonymous, unless External is set.
	BindDN string
	// BindPassword gives the service account's password; it is asked at each service bind, so that a
	// rotated file works at once. Required with BindDN, and refused with External.
	BindPassword func() (identity.Secret, error)
	// External binds as whom the server takes the client certificate of TLS for (SASL EXTERNAL, RFC 4422
	// appendix A), instead of by a DN and a password.
	External bool

	// BaseDN is the directory's suffix; required.
	BaseDN string
	// Users says where accounts are and how they look.
	Users Users
	// Groups says where groups are and how they look.
	Groups Groups

	// BindConnections bounds the connections to one server for user binds.
	BindConnections BindConnections
	// SearchConnections is the number of shared connections to one server for searches. Zero means 2.
	SearchConnections int
	// PageSize is how many entries a page has at first, where an answer needs pages. Zero means 500.
	PageSize int
	// Queue bounds how many binds may wait for a connection to one server. Zero means 1024.
	Queue int
	// Timeouts bounds everything that waits.
	Timeouts Timeouts

	// Logger gets what operators must look at. Nil discards.
	Logger *slog.Logger
	// Observer is told about operations. Its zero value observes nothing.
	Observer Observer
	// Now is the clock for ages and for what is remembered. Nil means time.Now.
	Now func() time.Time
	// Rand gives numbers in [0, 1) for jitter and is called from many goroutines. Nil means rand.Float64.
	Rand func() float64
	// Dialer opens the socket. Nil means a net.Dialer with [KeepAlive].
	Dialer func(ctx context.Context, network, address string) (net.Conn, error)
}

// Users says where accounts are and how they look.
type Users struct {
	// BaseDN is where accounts are searched. Empty means Options.BaseDN.
	BaseDN string
	// Filter narrows what is an account, such as "(objectClass=person)". Empty means every entry that has
	// the login attribute.
	Filter string
	// LoginAttributes are the attributes that a login name may be the value of; the first one holds the
	// canonical name, which must lead back to its entry. Empty means uid.
	LoginAttributes []string
	// IDAttribute holds the entry's immutable id, for accounts and groups. Empty means entryUUID. The binary ids
	// of Active Directory, objectGUID and objectSid, become their usual text.
	IDAttribute string
	// State says which attributes tell that an account may not log in; they are looked at besides what a bind
	// answers. Empty means NoState.
	State State
	// Catalog are URLs of a global catalog of Active Directory, in which accounts are located; their state and
	// groups are still read from the servers of Options. Empty means that these locate them, too.
	Catalog []string
}

// A Method is a way to learn the groups of an account.
type Method string

// The methods.
const (
	// MemberSearch searches groups that name the account: groupOfNames, groupOfUniqueNames and posixGroup,
	// the primary group included. One search a level.
	MemberSearch Method = "member_search"
	// MemberOf reads the memberOf attribute of the account, and then the groups that it names.
	MemberOf Method = "member_of"
	// TokenGroups reads what Active Directory has worked out itself: the ids of all security groups, the primary
	// group and nested ones included. It wants objectSid as the groups' IDAttribute.
	TokenGroups Method = "token_groups"
	// InChain has Active Directory search all groups above the account and its primary group. On large
	// directories that is slow.
	InChain Method = "in_chain"
)

// Groups says where groups are and how they look.
type Groups struct {
	// BaseDN is below which the names of groups count; groups elsewhere below Options.BaseDN count by their DN
	// and id only. Empty means that no group has a name that the policy may use.
	BaseDN string
	// Filter narrows what is a group. Empty means the usual classes of RFC 4519 and RFC 2307.
	Filter string
	// Method is how groups are learned. Empty means MemberSearch.
	Method Method
	// MemberAttributes are where a group lists its members: by DN, but by login name in memberUid, which stands for
	// the primary group of posixAccount, too. MemberSearch asks for them; a server that finds nothing by a filter with
	// an attribute that it does not know wants only those that it has. Empty means member, uniqueMember and memberUid.
	MemberAttributes []string
	// Nested follows groups that are members of groups.
	Nested bool
	// MaxDepth bounds the levels of nesting. A deeper answer is refused as incomplete. Zero means 64.
	MaxDepth int
	// NameAttribute holds a group's short name. Empty means cn.
	NameAttribute string
	// IDAttribute holds a group's immutable id. Empty means that of Users.
	IDAttribute string
	// DNAttribute is an attribute that can be searched for an entry's own DN; MemberOf uses it to read many
	// groups at once. Empty means entryDN (RFC 5020), or distinguishedName where ids are those of Active Directory.
	DNAttribute string
}

// BindConnections bounds the connections for user binds to one server.
type BindConnections struct {
	// Min is how many are kept open to the server in use. Zero means 4; negative means none.
	Min int
	// Max is how many may be open at once. Zero means 32.
	Max int
}

// Timeouts bounds everything that waits. A zero field means its default.
type Timeouts struct {
	// Dial bounds opening a connection, TLS or StartTLS included. Default 2s.
	Dial time.Duration
	// Operation bounds one bind or search. Default 3s.
	Operation time.Duration
	// Stage bounds a whole question where the caller's context has no deadline. Default 5s.
	Stage time.Duration
	// Age is the most that a connection lives; up to a tenth is added at random. Default 10m.
	Age time.Duration
	// Idle is the most that an unused connection is kept. Default 2m.
	Idle time.Duration
}

const (
	defaultSearchConnections = 2
	defaultQueue             = 1024
	defaultMinBinds          = 4
	defaultMaxBinds          = 32
	defaultDepth             = 64
	defaultGroupFilter       = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)" +
		"(objectClass=groupOfURLs)(objectClass=groupOfMembers))"
)

// withDefaults fills every zero field that has a default.
func (o Options) withDefaults() Options {
	o.Users.BaseDN = orElse(o.Users.BaseDN, o.BaseDN)
	if len(o.Users.LoginAttributes) == 0 {
		o.Users.LoginAttributes = []string{"uid"}
	}
	o.Users.IDAttribute = orElse(o.Users.IDAttribute, "entryUUID")
	o.Users.State = orElse(o.Users.State, NoState)
	o.Groups.IDAttribute = orElse(o.Groups.IDAttribute, o.Users.IDAttribute)
	o.Groups.Filter = orElse(o.Groups.Filter, defaultGroupFilter)
	o.Groups.Method = orElse(o.Groups.Method, MemberSearch)
	o.Groups.MaxDepth = orElse(o.Groups.MaxDepth, defaultDepth)
	o.Groups.NameAttribute = orElse(o.Groups.NameAttribute, "cn")
	if len(o.Groups.MemberAttributes) == 0 {
		o.Groups.MemberAttributes = []string{"member", "uniqueMember", memberUID}
	}
	o.PageSize = orElse(o.PageSize, defaultPage)
	if formOf(o.Users.IDAttribute) == guidID { // Active Directory
		o.Groups.DNAttribute = orElse(o.Groups.DNAttribute, distinguishedName)
	}
	o.Groups.DNAttribute = orElse(o.Groups.DNAttribute, "entryDN")
	o.BindConnections.Min = max(orElse(o.BindConnections.Min, defaultMinBinds), 0)
	o.BindConnections.Max = orElse(o.BindConnections.Max, defaultMaxBinds)
	o.BindConnections.Min = min(o.BindConnections.Min, o.BindConnections.Max)
	o.SearchConnections = orElse(o.SearchConnections, defaultSearchConnections)
	o.Queue = orElse(o.Queue, defaultQueue)
	o.Timeouts = o.Timeouts.withDefaults()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Dialer == nil {
		o.Dialer = (&net.Dialer{KeepAliveConfig: KeepAlive()}).DialContext
	}
	return o
}

// KeepAlive finds out within half a minute that an idle connection leads nowhere, and keeps firewalls from forgetting it.
// It is for a Dialer of one's own.
func KeepAlive() net.KeepAliveConfig {
	const idle, interval, count = 15 * time.Second, 5 * time.Second, 3
	return net.KeepAliveConfig{Enable: true, Idle: idle, Interval: interval, Count: count}
}

// withDefaults fills every zero field.
func (t Timeouts) withDefaults() Timeouts {
	t.Dial = orElse(t.Dial, 2*time.Second)
	t.Operation = orElse(t.Operation, 3*time.Second)
	t.Stage = orElse(t.Stage, 5*time.Second)
	t.Age = orElse(t.Age, 10*time.Minute)
	t.Idle = orElse(t.Idle, 2*time.Minute)
	return t
}

// orElse gives v, or other where v is the zero value.
func orElse[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}
