package doctor

import "slices"

// Status is how a finding ends. It is a closed set.
type Status string

// The statuses.
const (
	// OK means that it was looked at and is right.
	OK Status = "ok"
	// Warning means that some clients have trouble, or will have.
	Warning Status = "warning"
	// Fault means that logins, pulls or pushes do not work, or that tokens are not safe.
	Fault Status = "fault"
	// NotSeen means that it could not be looked at.
	NotSeen Status = "not_seen"
)

// Check names what a finding is about. It is a closed set, listed in docs/reference/doctor.md.
type Check string

// The checks, in the order in which they are made.
const (
	CheckRegistry Check = "registry"
	CheckService  Check = "service"
	CheckRealm    Check = "realm"
	CheckTLS      Check = "tls"
	CheckGate     Check = "gate"
	CheckLogin    Check = "login"
	CheckPost     Check = "post"
	CheckIssuer   Check = "issuer"
	CheckKey      Check = "key"
	CheckKeyForm  Check = "key_form"
	CheckBundle   Check = "bundle"
	CheckClock    Check = "clock"
	CheckHeaders  Check = "headers"
	CheckToken    Check = "token"
)

// Checks lists every check.
func Checks() []Check {
	return []Check{
		CheckRegistry, CheckService, CheckRealm, CheckTLS, CheckGate, CheckLogin, CheckPost, CheckIssuer, CheckKey,
		CheckKeyForm, CheckBundle, CheckClock, CheckHeaders, CheckToken,
	}
}

// Finding is one thing that was looked at. Text and Remedy are one line each, without secrets; parts of them may be texts
// of the servers, quoted.
type Finding struct {
	Check  Check  `json:"check"`
	Status Status `json:"status"`
	Text   string `json:"text"`
	// Remedy says what to do; empty unless something is wrong or was not seen.
	Remedy string `json:"remedy,omitempty"`
}

// report collects findings.
type report struct{ found []Finding }

func (r *report) ok(c Check, text string) { r.add(c, OK, text, "") }

func (r *report) warn(c Check, text, remedy string) { r.add(c, Warning, text, remedy) }

func (r *report) fault(c Check, text, remedy string) { r.add(c, Fault, text, remedy) }

func (r *report) unseen(c Check, text, remedy string) { r.add(c, NotSeen, text, remedy) }

func (r *report) add(c Check, s Status, text, remedy string) {
	r.found = append(r.found, Finding{Check: c, Status: s, Text: text, Remedy: remedy})
}

// faulty reports whether one of the checks found a fault.
func (r *report) faulty(checks ...Check) bool {
	return slices.ContainsFunc(r.found, func(f Finding) bool { return f.Status == Fault && slices.Contains(checks, f.Check) })
}
