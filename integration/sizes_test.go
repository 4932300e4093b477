package integration_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// P61: fifty scopes with usual names make a token that passes every usual proxy. Where names are as long as can be
// it is larger, which is logged and counted, and go-containerregistry still reads the answer.
func TestP61_SizeOfTokensAndAnswers(t *testing.T) {
	t.Parallel()
	const handy, answerLimit, longest = 7680, 64 << 10, 255
	d := startDirectory(t)
	g := startGate(t, d)
	scopes := func(name func(i int) string) (all []string) {
		for i := range 50 {
			all = append(all, "repository:"+name(i)+":pull,push")
		}
		return all
	}
	bucket := fmt.Sprintf(`wharfgate_token_size_bytes_bucket{registry=%q,le="%d"}`, serviceV3, handy)

	usual := mustGrant(t, g, "alice", d.Password, scopes(func(i int) string { return fmt.Sprintf("payments/service-%02d", i) })...)
	if len(usual.Token) > handy || len(usual.Claims.Access) != 50 {
		t.Errorf("token of %d bytes with %d entries, want 50 in at most %d", len(usual.Token), len(usual.Claims.Access), handy)
	}
	if n := g.Metric(t, bucket); n != 1 {
		t.Errorf("%s = %v, want 1", bucket, n)
	}

	mark := g.Process.Err.Len()
	long := mustGrant(t, g, "alice", d.Password, scopes(func(i int) string {
		name := fmt.Sprintf("payments/service-%02d-", i)
		return name + strings.Repeat("x", longest-len(name))
	})...)
	if len(long.Claims.Access) != 50 || len(long.Token) <= handy || len(long.Body) > answerLimit {
		t.Errorf("50 longest names: %d entries, token of %d bytes, answer of %d", len(long.Claims.Access), len(long.Token), len(long.Body))
	}
	if line := requestLine(t, g, mark, long.Claims.ID); line["token_bytes"] != float64(len(long.Token)) {
		t.Errorf("log line has token_bytes = %v, want %d", line["token_bytes"], len(long.Token))
	}
	if all := fmt.Sprintf("wharfgate_token_size_bytes_count{registry=%q}", serviceV3); g.Metric(t, bucket) != 1 || g.Metric(t, all) != 2 {
		t.Errorf("%s = %v, %s = %v, want 1 of 2", bucket, g.Metric(t, bucket), all, g.Metric(t, all))
	}

	post, err := g.Asker(serviceV3).Post(t.Context(), "alice", d.Password, scopes(func(i int) string { return fmt.Sprintf("payments/p%d", i) })...)
	if err != nil || post.Status != http.StatusOK || len(post.Body) > answerLimit {
		t.Errorf("POST = %d, answer of %d bytes, %v", post.Status, len(post.Body), err)
	}
}
