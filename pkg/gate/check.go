package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/directory"
)

// certificateWarning is how long before its end a certificate deserves a word.
const certificateWarning = 14 * 24 * time.Hour

// Severity says how bad a [Finding] is.
type Severity string

// The severities.
const (
	// Fault means that the gate would not start, or would not work.
	Fault Severity = "fault"
	// Warning works today and deserves a look.
	Warning Severity = "warning"
	// OK is something that was looked at and is well.
	OK Severity = "ok"
)

// Finding is one thing that a check found.
type Finding struct {
	Severity Severity `json:"severity"`
	// Where names the part: configuration, keys, tls, directory, policy.
	Where string `json:"where"`
	// Code is the code of a fault or a warning of the policy; else it is empty.
	Code string `json:"code,omitempty"`
	// Text says what was found and, for a fault, what to do.
	Text string `json:"text"`
}

// Scope says how far a check goes.
type Scope uint8

// The scopes of a check.
const (
	// Offline looks at files only.
	Offline Scope = iota
	// Online asks every server of the directories, too.
	Online
)

// checker gathers findings.
type checker struct {
	cfg      config.Config
	findings []Finding
}

func (c *checker) add(s Severity, where, text string) {
	c.findings = append(c.findings, Finding{Severity: s, Where: where, Text: text})
}

// Check looks for every fault at once, and writes nothing. faults is what reading the configuration said, nil if
// it is valid; what was understood of a bad one is looked at all the same.
func Check(ctx context.Context, cfg config.Config, faults error, scope Scope) []Finding {
	c := &checker{cfg: cfg}
	c.configuration(faults)
	if unreadable(faults) {
		return c.findings
	}
	if cfg.StateDir != "" {
		c.stateDir()
		c.keys()
	}
	c.certificate()
	c.auditFile()
	c.refreshTokens()
	for _, d := range cfg.Directories {
		c.passwordFile(d)
	}
	var all, reached *directories
	if faults == nil {
		all = c.directories()
		defer all.close(ctx)
	}
	if scope == Online && all != nil {
		reached = c.servers(ctx, all)
	}
	c.policy(ctx, reached)
	return c.findings
}

// configuration tells the faults of the file, one by one.
func (c *checker) configuration(err error) {
	if err == nil {
		c.add(OK, "configuration", "valid")
		return
	}
	faults, ok := errors.AsType[config.Faults](err)
	if !ok {
		c.add(Fault, "configuration", err.Error())
	}
	for _, f := range faults {
		c.add(Fault, "configuration", f.Error())
	}
}

// unreadable reports whether nothing at all was understood of a configuration: a fault of the file as a whole.
func unreadable(err error) bool {
	faults, _ := errors.AsType[config.Faults](err)
	return slices.ContainsFunc(faults, func(f config.Fault) bool { return f.Path == "" })
}

// certificate looks at the certificate of the token endpoint.
func (c *checker) certificate() {
	t := c.cfg.TLS
	if t.CertFile == "" || t.KeyFile == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		c.add(Fault, "tls", err.Error())
		return
	}
	c.notAfter("tls", "certificate "+t.CertFile, pair.Leaf.NotAfter)
}

// notAfter reports the end of a certificate's life.
func (c *checker) notAfter(where, what string, end time.Time) {
	text := what + " is valid until " + end.UTC().Format(time.DateOnly)
	switch left := time.Until(end); {
	case left <= 0:
		c.add(Fault, where, what+" ended on "+end.UTC().Format(time.DateOnly)+"; renew it")
	case left < certificateWarning:
		c.add(Warning, where, text+"; renew it soon")
	default:
		c.add(OK, where, text)
	}
}

// auditFile looks whether the audit record can be written, without making the file.
func (c *checker) auditFile() {
	path := c.cfg.Audit.File
	if path == "" {
		return
	}
	f, err := os.OpenFile(filepath.Clean(path), os.O_WRONLY|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) { // serve makes it
		f, err = os.Open(filepath.Dir(path))
	}
	if err != nil {
		c.add(Fault, "audit", "audit.file: "+err.Error())
		return
	}
	_ = f.Close() // nothing was written
	c.add(OK, "audit", path+" takes the records")
}

// passwordFile looks at the file with the password of the service account.
func (c *checker) passwordFile(cfg config.Directory) {
	where, path := "directory "+cfg.Name, cfg.Bind.PasswordFile
	if path == "" {
		return // a fault of the configuration already
	}
	if _, err := readSecret(path); err != nil {
		c.add(Fault, where, "bind.password_file: "+err.Error())
		return
	}
	const others fs.FileMode = 0o007
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&others != 0 {
		c.add(Warning, where, fmt.Sprintf("bind.password_file: everybody can read %s (mode %04o); run: chmod o= %s", path, info.Mode().Perm(), path))
	}
}

// directories puts the directories of a valid configuration together, as far as that works.
func (c *checker) directories() *directories {
	all := &directories{}
	for i, cfg := range c.cfg.Directories {
		where := "directory " + cfg.Name
		d, err := newDirectoryOnce(c.cfg, cfg)
		if err != nil {
			c.add(Fault, where, strings.TrimPrefix(err.Error(), where+": "))
			continue
		}
		all.list = append(all.list, d)
		c.kind(i)
		c.add(OK, where, fmt.Sprintf("groups by %s below %q; a change of groups shows within %s, and while the directory is away groups are believed for %s more",
			cfg.Groups.Method, orElse(cfg.Groups.BaseDN, cfg.BaseDN), cfg.Cache.TTL, cfg.Cache.StaleIfDown))
		if cfg.InsecurePlaintext {
			c.add(Warning, where, "insecure_plaintext: passwords may cross the network readable")
		}
		c.revocation(cfg)
	}
	return all
}

// servers asks each server, those of all directories at once, and gives the directories of which one answered.
func (c *checker) servers(ctx context.Context, all *directories) *directories {
	answers := make([][]directory.ServerStatus, len(all.list))
	var asked sync.WaitGroup
	for i, d := range all.list {
		asked.Go(func() { answers[i] = d.backend.Probe(ctx) })
	}
	asked.Wait()
	reached := &directories{}
	for i, d := range all.list {
		if c.answered(d, answers[i]) {
			reached.list = append(reached.list, d)
			c.lockout(ctx, d)
			c.watch(ctx, d)
		}
	}
	return reached
}

// answered tells what the servers of a directory answered, and reports whether one did.
func (c *checker) answered(d *directoryParts, answers []directory.ServerStatus) (reached bool) {
	where := "directory " + d.name
	asked := false
	for _, s := range answers {
		asked = asked || s.Answered
		if s.Err != nil {
			c.add(Fault, where, s.Server+": "+s.Err.Error())
		}
		for _, f := range s.Faults {
			c.add(Fault, where, s.Server+": "+f)
		}
		if s.Err != nil {
			continue
		}
		reached = true
		c.add(OK, where, fmt.Sprintf("%s answers in %s (%s)", s.Server, s.Latency.Round(100*time.Microsecond), orElse(s.Vendor, "vendor unknown")))
		if time.Until(s.CertificateNotAfter) >= certificateWarning && len(s.Warnings) == 0 {
			c.notAfter(where, s.Server+": certificate", s.CertificateNotAfter)
		}
		for _, f := range s.Facts {
			c.add(OK, where, s.Server+": "+f)
		}
		for _, w := range s.Warnings {
			c.add(Warning, where, s.Server+": "+w)
		}
	}
	switch {
	case !reached && asked:
		c.add(Fault, where, "no server can be used as it is configured; until that is corrected logins may be answered 503, or lack groups")
	case !reached:
		c.add(Fault, where, "no server could be asked; logins would be answered 503")
	}
	return reached
}

// orElse gives text, or other where text is empty.
func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
