package config

import "time"

// Registry is one registry that tokens are issued for.
type Registry struct {
	Service           string        `yaml:"service" required:"true" example:"registry.corp.example" doc:"The registry's auth.token.service, which is the audience of its tokens."`
	Kind              string        `yaml:"kind" default:"distribution" enum:"distribution distribution2 distribution3.0 distribution3 zot" doc:"The registry software. distribution is 2 and 3, whichever runs; distribution3 is 3.1 and later."`
	KeyForm           string        `yaml:"key_form" enum:"x5c libtrust rfc7638 jwks" example:"jwks" doc:"How a token says which key signed it. x5c: it carries its certificate, and keys rotate by themselves. The others name a key that the registry holds. Preset: x5c; zot: rfc7638."`
	Algorithm         string        `yaml:"algorithm" default:"ES256" enum:"ES256 RS256 EdDSA" doc:"The signature algorithm."`
	KeyName           string        `yaml:"key_name" example:"main" doc:"Names the keys that sign where key_form is not x5c: registries with one name share them. Preset: the algorithm in lower case; zot, which needs keys of its own: its service."`
	KeyFile           string        `yaml:"key_file" file:"true" example:"signing.key" doc:"PEM private key of your own that signs this registry's tokens: ECDSA P-256, RSA or Ed25519, readable by the gate's user alone. Read again when it changes."`
	KeyPasswordFile   string        `yaml:"key_password_file" file:"true" example:"signing.pw" doc:"File that holds the password of key_file and nothing else, readable by the gate's user alone; for an encrypted PKCS#8 key. One line break at the end is ignored. Read again when it changes."`
	CertFile          string        `yaml:"cert_file" file:"true" example:"signing.crt" doc:"PEM certificate of key_file, followed by those above it. With x5c it is required and tokens carry it."`
	TokenLifetime     time.Duration `yaml:"token_lifetime" default:"5m" min:"60s" max:"24h" doc:"How long a token is valid. Clients take less than 60 s as 60 s. Clients of zot cannot renew one in the midst of their work: give it 30m."`
	PushTokenLifetime time.Duration `yaml:"push_token_lifetime" default:"30m" min:"60s" max:"24h" doc:"The same for tokens that grant push: long enough for the largest layer. At least token_lifetime."`
	RefreshTokens     RefreshTokens `yaml:"refresh_tokens" doc:"Refresh tokens, which docker login stores instead of the password."`
}

// RefreshTokens says whether a registry's clients may have refresh tokens.
type RefreshTokens struct {
	Enabled  bool          `yaml:"enabled" default:"false" doc:"Gives one to clients that ask for it. Each use looks the account up again; it ends with a change of the password."`
	Lifetime time.Duration `yaml:"lifetime" default:"720h" min:"1h" max:"8760h" doc:"How long one is valid; 168h at most where the directory does not tell when a password changed."`
	Idle     time.Duration `yaml:"idle" default:"0s" min:"0s" max:"8760h" example:"168h" doc:"How long one may be unused, by the hour. 0s: as long as it is valid."`
}

// Directory is one LDAP directory.
type Directory struct {
	Name              string            `yaml:"name" required:"true" example:"corp" doc:"The name in logs, metrics, the audit record and the policy: lower-case letters, digits, '-', '_', '.'."`
	Default           bool              `yaml:"default" default:"false" doc:"Marks the directory that an unqualified name belongs to, at a login and in the policy. Of several directories exactly one has it."`
	Realms            []string          `yaml:"realms" example:"[CORP, corp.example]" doc:"What tells that a login belongs to this directory: CORP\\alice, alice@corp.example. Needed for every directory but the default one, unless directory_lookup is in_order."`
	Kind              string            `yaml:"kind" required:"true" enum:"active_directory samba openldap 389ds freeipa lldap glauth authentik okta jumpcloud google kanidm custom" example:"openldap" doc:"Which defaults users and groups start from; docs/reference/directories.md has them. What is written here always wins."`
	Servers           []string          `yaml:"servers" example:"[ldaps://ldap1.corp.example, ldaps://ldap2.corp.example]" doc:"The servers as ldaps://host[:port] or ldap://host[:port], in the order of preference. All hold the same data."`
	Discover          Discover          `yaml:"discover" doc:"Finds the servers by DNS SRV records instead of servers. Connections always have TLS, and certificates must be for the names that DNS gives."`
	TLS               DirectoryTLS      `yaml:"tls" doc:"How connections to the servers are protected."`
	InsecurePlaintext bool              `yaml:"insecure_plaintext" default:"false" doc:"Allows ldap:// without StartTLS. Every password then crosses the network readable."`
	Bind              Bind              `yaml:"bind" doc:"The service account, which searches entries and groups."`
	BaseDN            string            `yaml:"base_dn" required:"true" example:"dc=corp,dc=example" doc:"The entry below which everything is."`
	Users             Users             `yaml:"users" doc:"How accounts are found."`
	Groups            Groups            `yaml:"groups" doc:"How groups are found."`
	Cache             Cache             `yaml:"cache" doc:"What is remembered of entries and their groups; never passwords."`
	FailedBinds       FailedBinds       `yaml:"failed_binds" doc:"The same as failed_binds, for the accounts of this directory: what is 0 here is taken from there."`
	ProvenIfDown      time.Duration     `yaml:"proven_if_down" default:"0s" min:"0s" max:"1h" example:"5m" doc:"How long after its bind a proven password is believed while the directory is away, unless there was a wrong one since. 0s is off. Tokens then live for 60s and the audit record says stale."`
	ProvenFor         time.Duration     `yaml:"proven_for" default:"0s" min:"0s" max:"60s" example:"30s" doc:"How long after its bind a proven password is believed without another one, unless there was a wrong one since. 0s is off: every login is a bind."`
	PageSize          int               `yaml:"page_size" default:"500" min:"10" max:"10000" doc:"Entries a page, where an answer is too large for one. Smaller pages are tried where the server finds them too large."`
	BindConnections   Range             `yaml:"bind_connections" doc:"Connections a server on which passwords are proven, one bind at a time on each."`
	Timeouts          DirectoryTimeouts `yaml:"timeouts" doc:"How long a server may take."`
}

// Discover finds servers by DNS. The zero Discover does not.
type Discover struct {
	Domain     string        `yaml:"domain" example:"corp.example" doc:"The domain whose SRV records are looked up: _ldap._tcp.dc._msdcs for Active Directory and Samba, else _ldap._tcp. A server outside it is never asked."`
	Site       string        `yaml:"site" example:"Berlin" doc:"The site whose servers come before all others."`
	Refresh    time.Duration `yaml:"refresh" default:"5m" min:"10s" max:"24h" doc:"How often the records are looked up again; up to half as long is added at random, and it is sooner while no server answers."`
	DNSServers []string      `yaml:"dns_servers" example:"[192.0.2.53]" doc:"DNS servers that know the domain, as address or address:port, tried in this order. Empty: those of the system."`
}

// DirectoryTLS is how connections to a directory are protected.
type DirectoryTLS struct {
	CAFile   string `yaml:"ca_file" file:"true" example:"ca.pem" doc:"PEM file with the CAs that may sign the servers' certificates. Empty: those of the system. A changed file is taken over without a restart."`
	CertFile string `yaml:"cert_file" file:"true" example:"client.crt" doc:"PEM certificate that is shown to the servers, with key_file. A changed pair is taken over without a restart."`
	KeyFile  string `yaml:"key_file" file:"true" example:"client.key" doc:"PEM private key of cert_file."`
	StartTLS bool   `yaml:"start_tls" default:"false" doc:"Upgrades ldap:// connections to TLS before anything is sent."`
}

// Bind is the service account.
type Bind struct {
	Mechanism    string `yaml:"mechanism" default:"simple" enum:"simple external" doc:"How it is proven. simple: by its DN and password. external: by the client certificate of tls.cert_file (SASL EXTERNAL); the server says whom that is."`
	DN           string `yaml:"dn" example:"cn=wharfgate,ou=services,dc=corp,dc=example" doc:"Its distinguished name. Required unless the mechanism is external."`
	PasswordFile string `yaml:"password_file" file:"true" example:"bind.pw" doc:"File that holds its password and nothing else; one line break at the end is ignored. A changed file is taken over without a restart. Required unless the mechanism is external."`
}

// Users is how accounts are found. What is not written comes from the kind.
type Users struct {
	BaseDN          string   `yaml:"base_dn" example:"ou=people,dc=corp,dc=example" doc:"The entry below which accounts are. Preset: by the kind, else the directory's base_dn."`
	Filter          string   `yaml:"filter" example:"(objectClass=inetOrgPerson)" doc:"LDAP filter that an account must match as well. Preset: by the kind."`
	LoginAttributes []string `yaml:"login_attributes" example:"[uid, mail]" doc:"Attributes of which one must equal the typed name. The first one is the account's canonical name. Preset: by the kind."`
	GlobalCatalog   []string `yaml:"global_catalog" example:"[ldaps://dc1.corp.example:3269]" doc:"Servers of Active Directory's global catalog, in which accounts are located then; their state and groups are still read from servers. Usually not needed."`
	IDAttribute     string   `yaml:"id_attribute" example:"nsUniqueId" doc:"Attribute with an id that never changes and is never used again. Preset: by the kind."`
	State           string   `yaml:"state" enum:"none active_directory ppolicy nsaccountlock freeipa glauth authentik okta" example:"ppolicy" doc:"Which attributes of an entry say that its account is disabled, expired or locked. They are looked at besides what a bind answers. Preset: by the kind."`
}

// Groups is how groups are found. What is not written comes from the kind.
type Groups struct {
	BaseDN           string   `yaml:"base_dn" example:"ou=groups,dc=corp,dc=example" doc:"The entry below which groups are. It must be written down if the policy names groups by short names or with holes. Preset: by the kind, else the directory's base_dn, where groups then have no short names."`
	Filter           string   `yaml:"filter" example:"(objectClass=groupOfNames)" doc:"LDAP filter that a group must match as well. Preset: by the kind."`
	Method           string   `yaml:"method" enum:"member_search member_of token_groups in_chain" example:"member_search" doc:"member_search looks for groups that list the account; member_of reads the account's memberOf attribute; token_groups reads tokenGroups and in_chain searches with the rule for chains, both of Active Directory. Preset: by the kind."`
	MemberAttributes []string `yaml:"member_attributes" example:"[uniqueMember]" doc:"Attributes in which a group lists its members: by DN, but in memberUid by login name. For member_search. Preset: by the kind."`
	Nested           *bool    `yaml:"nested" example:"true" doc:"Whether groups of groups are followed. Preset: by the kind; false where the server does that itself."`
	MaxDepth         int      `yaml:"max_depth" default:"64" min:"1" max:"1000" doc:"Levels of nesting that are followed; what is deeper is an error and never silently left out."`
	NameAttribute    string   `yaml:"name_attribute" example:"ou" doc:"Attribute with the short name that a policy uses. Preset: by the kind."`
	IDAttribute      string   `yaml:"id_attribute" example:"gidNumber" doc:"Attribute with an id that never changes. Preset: users.id_attribute if that is written down, else by the kind."`
	Watch            *bool    `yaml:"watch" example:"true" doc:"Follows changes of groups and accounts as they happen, on one more connection: OpenLDAP with the overlay syncprov, Active Directory and Samba by DirSync. Without it, and while it does not work, they show within cache.ttl. Off unless written."`
}

// Watches reports whether changes are followed; false where nothing says otherwise.
func (g Groups) Watches() bool { return g.Watch != nil && *g.Watch }

// FollowsNested reports whether groups of groups are followed; true where nothing says otherwise.
func (g Groups) FollowsNested() bool { return g.Nested == nil || *g.Nested }

// Cache is what is remembered of entries and groups.
type Cache struct {
	Size        int           `yaml:"size" default:"50000" min:"1" max:"10000000" doc:"Accounts that are remembered; the least recently used go first."`
	TTL         time.Duration `yaml:"ttl" default:"2m" min:"1s" max:"24h" doc:"How long an answer is used; also how long a change of groups may take to show."`
	StaleIfDown time.Duration `yaml:"stale_if_down" default:"15m" min:"0s" max:"24h" doc:"How much longer an answer may be used while the directory does not answer. 0s is off."`
}

// Range is a number of connections.
type Range struct {
	Min int `yaml:"min" default:"4" min:"0" max:"10000" doc:"Connections that stay open."`
	Max int `yaml:"max" default:"32" min:"1" max:"10000" doc:"Connections at most; further binds wait."`
}

// DirectoryTimeouts is how long a server may take.
type DirectoryTimeouts struct {
	Dial      time.Duration `yaml:"dial" default:"2s" min:"100ms" max:"10s" doc:"To open a connection, TLS included."`
	Operation time.Duration `yaml:"operation" default:"3s" min:"100ms" max:"10s" doc:"To answer one search or bind. The connection is thrown away after that."`
}
