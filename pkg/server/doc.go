// Package server is the public listener: it turns HTTP requests into [authority.Request], and what the
// authority says into HTTP answers.
//
// It is the only place that knows statuses and headers. A request passes three stages: the frame around
// every request (request id, client address, panic guard, one log line and one observation at its end), the
// parser, which is the last place that sees the [net/http.Request], and the answer, which for an error goes
// through one table.
//
// What always holds:
//
//   - A known path answers on the spot: there are no redirects, and never a 403.
//   - Empty names, empty passwords and names with control characters never reach the [Granter].
//   - "Could not ask" is 503 with Retry-After, never 401.
//   - No secret, query string or body is logged; an account is named only once its entry was found, before
//     that by a keyed hash that changes with each process.
//   - Answers are never cached, and errors have fixed texts: the reason is for the operator's log.
package server
