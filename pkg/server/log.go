package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

const (
	// maxLogScopes bounds how many scopes of a request a log line lists.
	maxLogScopes = 20
	// maxLogText bounds a text of the client's in a log line, maxLogStack the trace of a panic.
	maxLogText  = 200
	maxLogStack = 4 << 10
)

// log writes the one line of a request.
func (s *Server) log(ctx context.Context, x *exchange, took time.Duration) {
	level := x.level()
	if !s.o.Logger.Enabled(ctx, level) {
		return
	}
	a := make([]slog.Attr, 0, 24)
	a = append(
		a,
		slog.String("request_id", x.id),
		slog.String("method", bounded(x.r.Method, 16)),
		slog.String("path", bounded(x.r.URL.Path, maxLogText)),
		slog.Int("status", x.status),
		slog.Float64("duration_ms", milliseconds(took)),
		slog.String("client", clientText(x)),
		slog.String("user_agent", bounded(x.r.UserAgent(), maxUserAgent)),
	)
	if x.req.Grant != "" {
		a = s.appendToken(a, x)
	}
	if x.err != nil {
		a = s.appendError(a, x)
	}
	// Straight to the handler: the logger would look up where in the source this is, for nobody.
	r := slog.NewRecord(s.o.Now(), level, "request", 0)
	r.AddAttrs(a...)
	_ = s.o.Logger.Handler().Handle(ctx, r)
}

// milliseconds gives a time in the unit of the log, to the microsecond.
func milliseconds(d time.Duration) float64 {
	const perMillisecond = 1e3
	return float64(d.Microseconds()) / perMillisecond
}

// level is how much a line wants to be read.
func (x *exchange) level() slog.Level {
	if x.err != nil {
		switch x.problem.status {
		case http.StatusInternalServerError:
			return slog.LevelError
		case http.StatusServiceUnavailable:
			return slog.LevelWarn
		}
	}
	for _, d := range x.dropped {
		if d.Reason == registry.DropBadName {
			return slog.LevelWarn
		}
	}
	return slog.LevelInfo
}

// appendToken adds what is known of a token request.
func (s *Server) appendToken(a []slog.Attr, x *exchange) []slog.Attr {
	a = append(
		a,
		slog.String("service", bounded(x.req.Service, maxLogText)),
		slog.String("grant", string(x.req.Grant)),
		slog.String("result", string(x.result())),
	)
	switch name := x.account(); {
	case name != "":
		a = append(a, slog.String("account", name))
	case x.typed != "":
		a = append(a, slog.String("account_hash", s.accountHash(x.typed)))
	}
	if x.accountDiffers {
		a = append(a, slog.Bool("account_differs", true))
	}
	if x.req.ClientID != "" {
		a = append(a, slog.String("client_id", x.req.ClientID))
	}
	a = append(a, slog.String("asked", logScopes(x.req.Scopes)))
	if len(x.dropped) > 0 {
		a = append(a, slog.String("dropped", logDropped(x.dropped)))
	}
	if !x.granted {
		return a
	}
	a = append(a, slog.String("granted", logScopes(x.grant.Granted)))
	if x.grant.Principal.Stale {
		a = append(a, slog.Bool("stale", true))
	}
	if rules := x.grant.Rules(); len(rules) > 0 {
		a = append(a, slog.String("rules", strings.Join(rules, " ")))
	}
	if reason := x.grant.Reason(); reason != "" {
		a = append(a, slog.String("reason", reason))
	}
	if x.grant.Bulky() {
		a = append(a, slog.Int("token_bytes", len(x.grant.Token.Reveal())))
	}
	if x.grant.RefreshTokenID != "" {
		a = append(a, slog.String("refresh_token_id", x.grant.RefreshTokenID))
	}
	return append(a, slog.String("token_id", x.grant.TokenID))
}

// appendError adds why a request failed. The text of an error is for faults of ours and of the directory; a
// refusal has a reason and the directory's own words.
func (s *Server) appendError(a []slog.Attr, x *exchange) []slog.Attr {
	a = append(a, slog.String("reason", x.problem.reason))
	text := ""
	switch account, ok := errors.AsType[*identity.AccountError](x.err); {
	case ok:
		text = account.Detail
	case x.problem.status != http.StatusUnauthorized:
		text = x.err.Error()
	}
	if text = bounded(x.scrub(text), 4*maxLogText); text != "" {
		a = append(a, slog.String("error", text))
	}
	if x.stack != nil {
		a = append(a, slog.String("stack", bounded(string(x.stack), maxLogStack)))
	}
	return a
}

// account is the canonical name of the account once its entry was found.
func (x *exchange) account() string {
	if x.granted && x.grant.Principal.Kind != identity.Anonymous {
		return x.grant.Principal.Name + "@" + x.grant.Principal.Source
	}
	if refused, ok := errors.AsType[*identity.AccountError](x.err); ok && refused.Name != "" {
		return refused.Name + "@" + refused.Source
	}
	if retry, ok := errors.AsType[*identity.RetryError](x.err); ok && retry.Name != "" {
		return retry.Name + "@" + retry.Source
	}
	return ""
}

// scrub takes the typed name and the password out of a text: a name may be a password in the wrong field, and
// a library may quote what it was given.
func (x *exchange) scrub(text string) string {
	secrets := []string{x.typed, x.req.RefreshToken.Reveal()}
	if x.req.Credentials != nil {
		secrets = append(secrets, x.req.Credentials.Password.Reveal())
	}
	for _, secret := range secrets {
		if len(secret) < 3 {
			continue // too short to tell it from any other text
		}
		escaped := strconv.Quote(secret)
		text = strings.ReplaceAll(text, secret, "[redacted]")
		text = strings.ReplaceAll(text, escaped[1:len(escaped)-1], "[redacted]")
	}
	return text
}

// clientText is the client's address, empty if unknown.
func clientText(x *exchange) string {
	if !x.client.IsValid() {
		return ""
	}
	return x.client.String()
}

// logScopes lists scopes up to a bound.
func logScopes(scopes []registry.Scope) string {
	if len(scopes) <= maxLogScopes {
		return scopeText(scopes)
	}
	return scopeText(scopes[:maxLogScopes]) + " and " + strconv.Itoa(len(scopes)-maxLogScopes) + " more"
}

// logDropped lists what was dropped up to a bound, each with its reason.
func logDropped(dropped []registry.Dropped) string {
	var b strings.Builder
	for i, d := range dropped {
		if i == maxLogScopes {
			b.WriteString(" and " + strconv.Itoa(len(dropped)-i) + " more")
			break
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(d.Text + "=" + string(d.Reason))
	}
	return b.String()
}
