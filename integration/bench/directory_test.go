package bench_test

import (
	"crypto/sha1" //nolint:gosec // the scheme {SSHA} is made of it
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/need"
	"github.com/wharfgate/wharfgate/integration/internal/proc"
)

// The directory: people u00000, u00001, ... with one password, each in groupsEach of the groups team-000, ...
const (
	suffix    = "dc=example,dc=org"
	serviceDN = "cn=svc-bind," + suffix
	rootDN    = "cn=root," + suffix
	password  = "Passw0rd!"

	allGroups, groupsEach = 500, 20
)

// slapdConf is a plain configuration: no overlay, and indexes for what is searched. %[1]s is the state
// directory.
const slapdConf = `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb

database frontend
access to dn.base="" by * read
access to dn.base="cn=subschema" by * read

database mdb
suffix "` + suffix + `"
rootdn "` + rootDN + `"
rootpw ` + password + `
directory %[1]s/db
maxsize 1073741824
envflags nosync nometasync
index objectClass,uid,cn,member,uniqueMember,memberUid,entryUUID eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="` + serviceDN + `" read by * none

database monitor
access to * by dn.exact="` + rootDN + `" read by * none
`

// directory is a slapd that runs, on plain loopback.
type directory struct {
	url, address string
	users        int
	process      *proc.Process
	monitor      *ldap.Conn
	looks        int // how often the monitor was asked
}

// startDirectory loads people and groups offline and runs slapd until the test ends.
func startDirectory(t testing.TB, users int) *directory {
	t.Helper()
	tools := need.Tools(t, "slapd", "slapadd")
	dir := t.TempDir()
	conf, ldif := filepath.Join(dir, "slapd.conf"), filepath.Join(dir, "data.ldif")
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, conf, fmt.Sprintf(slapdConf, dir))
	writeFile(t, ldif, entries(users))
	load := exec.CommandContext(t.Context(), tools[1], "-q", "-f", conf, "-l", ldif, "-b", suffix)
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v\n%s", err, out)
	}
	d := &directory{address: loopback.Address(loopback.Ports(t, 1)), users: users}
	d.url = "ldap://" + d.address
	d.process = proc.Start(t, nil, tools[0], "-d", "0", "-f", conf, "-h", d.url)
	const patience = 30 * time.Second
	loopback.Eventually(t, patience, func() (err error) {
		if d.monitor, err = ldap.DialURL(d.url); err != nil {
			return err
		}
		return d.monitor.Bind(rootDN, password)
	})
	t.Cleanup(func() { _ = d.monitor.Close() })
	return d
}

// login is a person's login name.
func login(i int) string { return fmt.Sprintf("u%05d", i) }

// personDN is the name of a person's entry.
func personDN(i int) string { return "uid=" + login(i) + ",ou=people," + suffix }

// team is the name of a group; a person is in that of the same number and in others, so that no two people among
// thousands have the same groups and all groups have the same size.
func team(i int) string { return fmt.Sprintf("team-%03d", i%allGroups) }

// groupOf is the number of a person's k-th group. The first is the person's number; how far apart the others are
// depends on which five hundred the person is among.
func groupOf(i, k int) int { return (i + k*(1+i/allGroups)) % allGroups }

// entries writes everything that is in the directory as LDIF.
func entries(users int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "dn: %s\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n", suffix)
	for _, ou := range []string{"people", "groups"} {
		fmt.Fprintf(&b, "dn: ou=%[1]s,%[2]s\nobjectClass: organizationalUnit\nou: %[1]s\n\n", ou, suffix)
	}
	secret := "userPassword: " + hashed(password) + "\n"
	fmt.Fprintf(&b, "dn: %s\nobjectClass: person\ncn: svc-bind\nsn: x\n%s\n", serviceDN, secret)
	members := make([][]int, allGroups)
	for i := range users {
		fmt.Fprintf(&b, "dn: %s\nobjectClass: inetOrgPerson\nuid: %[2]s\ncn: User %[3]d\nsn: %[3]d\nmail: %[2]s@example.org\n%[4]s\n",
			personDN(i), login(i), i, secret)
		for k := range groupsEach {
			g := groupOf(i, k)
			members[g] = append(members[g], i)
		}
	}
	for g, people := range members {
		if len(people) == 0 {
			continue // this class of group wants a member
		}
		fmt.Fprintf(&b, "dn: cn=%[1]s,ou=groups,%[2]s\nobjectClass: groupOfNames\ncn: %[1]s\n", team(g), suffix)
		for _, i := range people {
			b.WriteString("member: " + personDN(i) + "\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// hashed is a password in the scheme {SSHA}, as slappasswd writes it.
func hashed(password string) string {
	const salt = "salt"
	sum := sha1.Sum([]byte(password + salt)) //nolint:gosec // the scheme {SSHA} is made of it
	return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...))
}

// writeFile writes a file that only its owner reads.
func writeFile(t testing.TB, name, text string) {
	t.Helper()
	const private = 0o600
	if err := os.WriteFile(name, []byte(text), private); err != nil {
		t.Fatal(err)
	}
}
