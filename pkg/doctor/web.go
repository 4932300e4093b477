package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// requestTimeout bounds one request: docker's client gives up after 15 s.
	requestTimeout = 10 * time.Second
	// maxBody and maxHead bound what is read of an answer.
	maxBody = 256 << 10
	maxHead = 256 << 10
	// maxQuoted bounds what is shown of somebody else's text.
	maxQuoted = 120
)

// web asks servers, within bounds. It follows no redirects: clients turn a POST into a GET there.
type web struct {
	client *http.Client
	now    func() time.Time
}

func newWeb(roots *x509.CertPool, now func() time.Time) *web {
	return &web{now: now, client: &http.Client{
		Timeout:       requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: maxHead,
			DisableKeepAlives:      true, // a proxy may close a connection on which it refused something
		},
	}}
}

// answer is what a server said, body and time included.
type answer struct {
	status int
	header http.Header
	body   []byte
	skew   skew
}

// ask sends a request. With a form it is a POST.
func (w *web) ask(ctx context.Context, u *url.URL, form url.Values, edit func(*http.Request)) (answer, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return answer{}, errors.New("the URL cannot be asked")
	}
	r.Header.Set("User-Agent", "wharfgate-doctor")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8") // as containerd does
	}
	if edit != nil {
		edit(r)
	}
	sent := w.now()
	got, err := w.client.Do(r)
	if err != nil {
		return answer{}, without(err)
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(got.Body, maxBody+1))
	switch {
	case err != nil:
		return answer{}, without(err)
	case len(text) > maxBody:
		return answer{}, fmt.Errorf("the answer is longer than %d bytes", maxBody)
	}
	return answer{got.StatusCode, got.Header, text, measure(got.Header.Get("Date"), sent, w.now())}, nil
}

// without takes the URL out of an error: its query is the request's.
func without(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// neverSent reports whether an error came before a byte of the request was sent.
func neverSent(err error) bool {
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return true
	}
	_, ok := errors.AsType[*net.DNSError](err)
	return ok
}

// unreachable gives the check, the text and the remedy for a server that did not answer.
func unreachable(who string, u *url.URL, err error) (check Check, text, remedy string) {
	const system = "give its authority with --ca, and install it where clients run, for docker as /etc/docker/certs.d/HOST/ca.crt"
	host := u.Host
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		by := "an authority that is not known here"
		if e.Cert != nil {
			by = fmt.Sprintf("%q, which is not known here", bounded(e.Cert.Issuer.String()))
		}
		return CheckTLS, fmt.Sprintf("the certificate of %s at %s was issued by %s", who, host, by), system
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return CheckTLS, fmt.Sprintf("the certificate of %s is not for %q, but for %q", who, e.Host, bounded(strings.Join(e.Certificate.DNSNames, " "))),
			"issue one with that name as subject alternative name"
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return CheckTLS, fmt.Sprintf("the certificate of %s at %s is valid from %s to %s, and it is not now", who, host,
				e.Cert.NotBefore.UTC().Format(time.RFC3339), e.Cert.NotAfter.UTC().Format(time.RFC3339)),
			"renew it, or set the clock of this machine"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return CheckTLS, fmt.Sprintf("%s at %s speaks plain HTTP where https is expected", who, host),
			"give it a certificate, or end TLS in a proxy before it"
	}
	check = CheckGate
	if who == theRegistry {
		check = CheckRegistry
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return check, fmt.Sprintf("the host name of %s, %q, is not known to DNS", who, u.Hostname()), "add it to DNS, or correct the URL"
	}
	return check, fmt.Sprintf("%s does not answer at %s: %s", who, host, bounded(err.Error())),
		"look whether it runs there, and whether a firewall is between"
}

// The servers, in words.
const (
	theGate     = "the gate"
	theRegistry = "the registry"
)

// bounded shortens a text of somebody else and makes it one line.
func bounded(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\ufffd")), " ")
	if len(text) > maxQuoted {
		text = strings.ToValidUTF8(text[:maxQuoted], "") + " ..."
	}
	return text
}
