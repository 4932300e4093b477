package operator

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// ready answers 200 if no required check fails, 503 if one does; with ?verbose it lists each check with its
// state and reason.
func (h *Handler) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()
	status, verdict := http.StatusOK, "ready\n"
	var list strings.Builder
	for _, c := range h.checks() {
		state, reason := "ok", ""
		if err := probe(ctx, c); err != nil {
			state, reason = "degraded", ": "+printable(err.Error())
			if c.Weight == Required {
				state, status, verdict = "failed", http.StatusServiceUnavailable, "not ready\n"
			}
		}
		fmt.Fprintf(&list, "%s %s%s\n", c.Name, state, reason)
	}
	if !r.URL.Query().Has("verbose") {
		list.Reset()
	}
	text(w, status, list.String()+verdict)
}

// checks gives what is looked at now.
func (h *Handler) checks() []Check {
	if h.o.More == nil {
		return h.o.Checks
	}
	return slices.Concat(h.o.Checks, h.o.More())
}

// probe looks at one check; one that panics has failed.
func probe(ctx context.Context, c Check) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return c.Probe(ctx)
}

// printable makes one line of bounded length of a text.
func printable(s string) string {
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "..."
	}
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
