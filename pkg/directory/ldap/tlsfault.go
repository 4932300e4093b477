package ldap

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"
)

// certificateText names what is wrong with TLS and what to do, or nothing where TLS is not the cause.
func certificateText(err error) string {
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		issuer := ""
		if e.Cert != nil {
			issuer = fmt.Sprintf(" (%q)", e.Cert.Issuer.String())
		}
		return "the certificate's issuer" + issuer + " is not trusted: put the directory's CA into tls.ca_file"
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		names := "none"
		if e.Certificate != nil && len(e.Certificate.DNSNames)+len(e.Certificate.IPAddresses) > 0 {
			names = strings.Trim(fmt.Sprint(e.Certificate.DNSNames, e.Certificate.IPAddresses), "[]")
		}
		return fmt.Sprintf("the certificate is not for %q (its names: %s): use one of its names in servers, or issue one for this name", e.Host, names)
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return "the server's certificate has expired or is not valid yet: renew it, or set the clocks right"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the port does not speak TLS: use the ldaps port (usually 636), or ldap:// with tls.start_tls"
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "tls handshake") && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)):
		return "the server hung up during the TLS handshake: is this its ldaps port (usually 636), or should it be ldap:// with tls.start_tls?"
	case strings.Contains(text, "negative serial"):
		return "the server's certificate has a negative serial number, which is not allowed: issue a new one"
	case strings.Contains(text, "protocol version"):
		return "the server offers no TLS 1.2 or later: enable it there"
	case strings.Contains(text, "certificate required"), strings.Contains(text, "bad certificate"), strings.Contains(text, "unknown certificate authority"):
		return "the server wants a client certificate that it knows: " + clientRemedy
	case strings.Contains(text, "tls:"), strings.Contains(text, "x509:"):
		return text
	}
	return ""
}

// clientRemedy says what to do about a client certificate that is missing or refused.
const clientRemedy = "set tls.cert_file and tls.key_file to one that it accepts"

// presented describes the chain that the server showed, where its certificate is what is wrong.
func presented(err error) string {
	const most = 4
	e, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok || len(e.UnverifiedCertificates) == 0 {
		return ""
	}
	var all []string
	for _, c := range e.UnverifiedCertificates[:min(len(e.UnverifiedCertificates), most)] {
		all = append(all, describe(c))
	}
	return "; the server presented: " + strings.Join(all, "; signed by: ")
}

// describe says whose a certificate is, who issued it, until when it is valid, and for which names.
func describe(c *x509.Certificate) string {
	const mostNames = 8
	text := fmt.Sprintf("subject %q, issuer %q, valid %s to %s", c.Subject.String(), c.Issuer.String(),
		c.NotBefore.UTC().Format(time.DateTime), c.NotAfter.UTC().Format(time.DateTime))
	names := c.DNSNames
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) > 0 {
		text += fmt.Sprintf(", names %q", names[:min(len(names), mostNames)])
	}
	return text
}
