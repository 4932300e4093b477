// Package certtest makes a throw-away certificate authority and certificates under it, for tests, in the
// manner of net/http/httptest. Every file lies in the test's own temporary directory.
//
//	ca := certtest.NewCA(t)
//	server := ca.Server(t, "localhost", "127.0.0.1")
//	config := &tls.Config{Certificates: []tls.Certificate{server.TLS}}
//	client := &tls.Config{RootCAs: ca.Pool()}
package certtest
