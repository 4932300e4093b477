package config

import (
	"net/netip"
	"reflect"
	"time"
)

// Config is the whole file. Values come from [Load], or from [Default] and changes to it; a Config is not
// changed once it is in use. What each field means is in its doc tag.
type Config struct {
	Listen         string         `yaml:"listen" default:":5001" example:"127.0.0.1:5001" doc:"Address and port of the token endpoint: /token and /auth/token."`
	TLS            ServerTLS      `yaml:"tls" doc:"Certificate of the token endpoint. Absent: plain HTTP, for a TLS proxy in front."`
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies" example:"[10.0.0.0/8, 192.0.2.7/32]" doc:"Networks of the proxies whose X-Forwarded-For and X-Forwarded-Proto headers are believed. Empty: none."`
	InsecureHTTP   bool           `yaml:"insecure_http" default:"false" doc:"Allows plain HTTP on an address that is not loopback although no proxy is trusted. Passwords then cross the network readable."`
	PublicURL      string         `yaml:"public_url" example:"https://registry.corp.example" doc:"The URL under which clients reach the token endpoint; the realm of a registry is this followed by /auth/token. Needed by the registry command."`
	FormerPaths    FormerPaths    `yaml:"former_paths" doc:"Paths of the token server that was here before. They answer like /token, so that its registries change nothing but the host name and the bundle."`
	Operator       Operator       `yaml:"operator" doc:"The listener for operators: /metrics, /healthz, /readyz; read-only, without secrets."`
	StateDir       string         `yaml:"state_dir" default:"/var/lib/wharfgate" required:"true" file:"true" doc:"Folder of the signing keys; made with mode 0700 if absent."`
	Keys           Keys           `yaml:"keys" doc:"Where the signing CA comes from. Without any of its keys, the CA that keys init made in state_dir is used."`
	Issuer         string         `yaml:"issuer" default:"wharfgate" required:"true" doc:"The iss claim of every token: the auth.token.issuer of the registries."`
	IssuedAt       bool           `yaml:"issued_at" default:"false" doc:"Sends the optional issued_at field in answers. Clients whose clock is behind then fetch tokens more often than they need to."`
	Limits         Limits         `yaml:"limits" doc:"What one process takes on at most."`
	FailedBinds    FailedBinds    `yaml:"failed_binds" doc:"How many binds of one account may fail before passwords that were never right are answered 429. A password that was right before is always tried."`
	FailedLogins   FailedLogins   `yaml:"failed_logins_per_address" doc:"How many logins from one client address may fail before passwords that were never right are answered 429. An IPv6 client is its /64."`
	Audit          Audit          `yaml:"audit" doc:"The record of every decision, apart from the log."`
	Log            Log            `yaml:"log" doc:"The log, on standard error."`
	Registries     []Registry     `yaml:"registries" required:"true" doc:"The registries that tokens are issued for."`
	Directories    []Directory    `yaml:"directories" required:"true" doc:"Where accounts and groups come from."`
	Lookup         string         `yaml:"directory_lookup" default:"by_realm" enum:"by_realm in_order" doc:"Where a login name without a realm is looked for. by_realm: in the default directory alone. in_order: in each directory, as they are listed, until one has it; while one of them does not answer, names that no earlier one has are answered 503."`
	Policy         Policy         `yaml:"policy" doc:"The access policy: who may do what. It is a document of its own and is read again when it changes."`

	source source
}

// InOrder is the directory_lookup that looks for a name without a realm in every directory.
const InOrder = "in_order"

// DefaultDirectoryName is the name of the directory that an unqualified name belongs to: the one that is marked, or
// else the first; empty without any.
func (c Config) DefaultDirectoryName() string {
	for _, d := range c.Directories {
		if d.Default {
			return d.Name
		}
	}
	if len(c.Directories) > 0 {
		return c.Directories[0].Name
	}
	return ""
}

// ServerTLS is the certificate of a listener; both files or none.
type ServerTLS struct {
	CertFile string `yaml:"cert_file" file:"true" example:"tls.crt" doc:"PEM file with the certificate chain. Read again when it changes."`
	KeyFile  string `yaml:"key_file" file:"true" example:"tls.key" doc:"PEM file with the private key."`
}

// Enabled reports whether a certificate is configured.
func (t ServerTLS) Enabled() bool { return t.CertFile != "" || t.KeyFile != "" }

// FormerPaths are the paths of a token server that was here before. The zero value has none.
type FormerPaths struct {
	KeycloakRealms []string `yaml:"keycloak_realms" example:"[corp]" doc:"Realms of Keycloak, by their names: each is answered on /realms/NAME/protocol/docker-v2/auth and on the same below /auth. Their registries also want the realm's URL as issuer."`
	DockerAuth     bool     `yaml:"docker_auth" default:"false" doc:"Answers on /auth, the path of docker_auth."`
}

// Operator is the listener for operators.
type Operator struct {
	Listen string `yaml:"listen" default:"127.0.0.1:9091" doc:"Address and port; an empty text switches the listener off."`
}

// Keys says where the signing CA comes from.
type Keys struct {
	AutoCreate bool   `yaml:"auto_create" default:"false" doc:"Makes a signing CA in state_dir at start if there is none. For a first look: registries refuse every token once that CA is lost."`
	CACertFile string `yaml:"ca_cert_file" file:"true" example:"signing-ca.crt" doc:"PEM certificate of a signing CA of your own, with ca_key_file."`
	CAKeyFile  string `yaml:"ca_key_file" file:"true" example:"signing-ca.key" doc:"PEM private key of ca_cert_file, readable by the gate's user alone."`

	CAKeyPasswordFile string `yaml:"ca_key_password_file" file:"true" example:"signing-ca.pw" doc:"File that holds the password of ca_key_file and nothing else, readable by the gate's user alone; for an encrypted PKCS#8 key. One line break at the end is ignored. Read again when it changes."`

	PublishFor time.Duration `yaml:"publish_for" default:"24h" min:"0s" max:"8760h" doc:"How long the next signing key or CA must be published before wharfgate keys rotate lets it sign: as long as it takes until every registry has it."`
}

// Limits is what one process takes on.
type Limits struct {
	Concurrency    int           `yaml:"concurrency" default:"256" min:"1" max:"100000" doc:"Token requests that are worked on at once."`
	Queue          int           `yaml:"queue" default:"1024" min:"0" max:"1000000" doc:"Token requests that wait for one of these places; more are answered 503 at once."`
	Connections    int           `yaml:"connections" default:"4096" min:"1" max:"1000000" doc:"Client connections that are open at once, idle ones included; further ones wait to be accepted. Changes at a restart."`
	RequestTimeout time.Duration `yaml:"request_timeout" default:"5s" min:"1s" max:"10s" doc:"Longest time from a request to its answer. Docker gives up after 15 s."`
	Scopes         int           `yaml:"scopes" default:"256" min:"1" max:"4096" doc:"Scopes in one request; more are answered 400."`
	Post           bool          `yaml:"post" default:"true" doc:"Whether POST (the OAuth2 form) is answered beside GET. Without it every client uses GET."`
}

// FailedBinds is the budget of failed binds of an account.
type FailedBinds struct {
	Max    int           `yaml:"max" default:"0" min:"0" max:"1000" example:"3" doc:"Failed binds of one account at most. 0: two less than the number at which the directory locks it, at least 1 and at most 10, or 3 where that cannot be read. A number only lowers that, where it can be read."`
	Window time.Duration `yaml:"window" default:"0s" min:"0s" max:"168h" example:"30m" doc:"They count until none has failed for so long. 0s: the time in which the directory counts failures, or 30m where that cannot be read. A time only makes it longer, where it can be read."`
}

// FailedLogins is the limit of failures of a client address.
type FailedLogins struct {
	Max    int            `yaml:"max" default:"60" min:"1" max:"1000000" doc:"Failures at once."`
	Window time.Duration  `yaml:"window" default:"10m" min:"1s" max:"168h" doc:"The time in which as many become free again, one after the other."`
	Exempt []netip.Prefix `yaml:"exempt" example:"[192.0.2.0/24]" doc:"Networks without this limit, such as that of build machines that share an address."`
}

// Audit is where the record of decisions goes.
type Audit struct {
	File  string `yaml:"file" file:"true" example:"/var/log/wharfgate/audit.log" doc:"File that records are appended to, one JSON object a line. Empty: standard output."`
	Queue int    `yaml:"queue" default:"4096" min:"1" max:"1000000" doc:"Records that wait to be written; when it is full, records are dropped and counted rather than requests held up."`
}

// Log is what the log shows.
type Log struct {
	Level  string `yaml:"level" default:"info" enum:"debug info warn error" doc:"The least level that is written."`
	Format string `yaml:"format" default:"auto" enum:"auto json text" doc:"auto is text on a terminal and JSON elsewhere."`
}

// Policy is where the access policy is.
type Policy struct {
	File string `yaml:"file" required:"true" file:"true" example:"policy.yaml" doc:"The policy file."`
}

// Equal reports whether two configurations mean the same, wherever in their files that is written.
func (c Config) Equal(other Config) bool {
	c.source, other.source = source{}, source{}
	return reflect.DeepEqual(c, other)
}
