package doctor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const (
	// largeToken is the size of a token for 50 repositories, and largeQuery that of a query for as many.
	largeToken, largeQuery = 7680, 4 << 10
	// largerToken and largerQuery are what mirrors come to.
	largerToken, largerQuery = 16 << 10, 32 << 10
)

// headers sends requests as long as those for many repositories are. The gate takes them; proxies may not.
func (d *Doctor) headers(ctx context.Context) {
	if !d.away() {
		d.long("the gate", "query", [2]int{largeQuery, largerQuery}, func(size int) (answer, error) {
			query := url.Values{"service": {d.o.Service}, "doctor": {strings.Repeat("a", size)}}
			return d.web.ask(ctx, withQuery(d.endpoint, query), nil, nil)
		})
	}
	if d.registry != nil && !d.report.faulty(CheckRegistry) && d.registryClock.seen {
		d.long("the registry", "token", [2]int{largeToken, largerToken}, func(size int) (answer, error) {
			return d.web.ask(ctx, d.registry.JoinPath("/v2/"), nil, func(r *http.Request) {
				r.Header.Set("Authorization", "Bearer "+strings.Repeat("a", size))
			})
		})
	}
}

// long sends two sizes. An answer that the server itself gives shows that the request reached it.
func (d *Doctor) long(who, what string, sizes [2]int, send func(size int) (answer, error)) {
	const remedy = "raise the limit of the proxy before it, such as nginx's large_client_header_buffers, to 4 buffers of 64k"
	for i, size := range sizes {
		got, err := send(size)
		if err == nil && (got.status == http.StatusOK || got.status == http.StatusUnauthorized) {
			continue
		}
		said := "closes the connection"
		if err == nil {
			said = fmt.Sprintf("answers %d", got.status)
		}
		text := fmt.Sprintf("what stands before %s %s to a %s of %d bytes, as clients send it for ", who, said, what, size)
		if i == 0 {
			d.report.fault(CheckHeaders, text+"some dozens of repositories at once", remedy)
		} else {
			d.report.warn(CheckHeaders, text+"a hundred repositories at once", remedy)
		}
		return
	}
	d.report.ok(CheckHeaders, fmt.Sprintf("a %s of %d bytes reaches %s", what, sizes[1], who))
}
