package registry

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// DefaultScopeLimit is how many scopes one request may hold where nothing else is said.
	DefaultScopeLimit = 256
	// maxScopeBytes bounds the scopes of one request together.
	maxScopeBytes = 64 << 10
	// maxDroppedText bounds what is kept of a dropped element.
	maxDroppedText = 120
)

// ScopeError means that the scopes of a request are unfit as a whole. Its text holds nothing of them and may
// be shown to the client.
type ScopeError struct {
	// Fault says what is wrong.
	Fault string
}

// Error gives the fault.
func (e *ScopeError) Error() string { return "scope: " + e.Fault }

// DropReason is why an element of a scope was dropped. It is a closed set.
type DropReason string

// The reasons.
const (
	// DropMalformed means that it is not type:name:actions.
	DropMalformed DropReason = "malformed"
	// DropUnknownType means that no such type of resource is known.
	DropUnknownType DropReason = "unknown_type"
	// DropUnknownName means that the registry has no such resource beside repositories.
	DropUnknownName DropReason = "unknown_name"
	// DropUnknownAction means that at least one action is unknown; the others of the element count.
	DropUnknownAction DropReason = "unknown_action"
	// DropBadName means that the name of a repository is illegal, which no honest client sends.
	DropBadName DropReason = "bad_name"
)

// Dropped is an element, or an action of one, that grants nothing.
type Dropped struct {
	// Text is the element, cut to a bound and with every character that does not print escaped.
	Text string
	// Reason says why.
	Reason DropReason
}

// ParseScopes reads the values of a request's scope parameter. Each value may hold several scopes separated
// by spaces. The result has one entry a resource with the union of what was asked for it, sorted by type and
// name; the class of a type is dropped, so that repository(plugin) is repository. The names are those of the
// request, legal by [ValidName], without change of case.
//
// The element repository::pull is [UnnamedPull] on the catalog. One that is not understood grants nothing and is reported in dropped. Only values that are unfit as
// a whole are an error, always a [*ScopeError]: more than limit elements (zero or less: [DefaultScopeLimit]),
// more than 64 KiB, NUL, CR, LF, invalid UTF-8.
//
// The grammar is https://distribution.github.io/distribution/spec/auth/scope/, with the star as an action.
func ParseScopes(values []string, limit int) (scopes []Scope, dropped []Dropped, err error) {
	if limit <= 0 {
		limit = DefaultScopeLimit
	}
	if err := checkScopeText(values); err != nil {
		return nil, nil, err
	}
	count := 0
	for _, value := range values {
		for value != "" {
			var element string
			element, value, _ = strings.Cut(value, " ")
			if element == "" {
				continue
			}
			if count++; count > limit {
				return nil, nil, &ScopeError{Fault: fmt.Sprintf("more than %d elements", limit)}
			}
			scope, reason := parseScope(element)
			if reason != "" {
				dropped = append(dropped, Dropped{Text: printable(element), Reason: reason})
			}
			if scope.Actions != 0 {
				scopes = append(scopes, scope)
			}
		}
	}
	return merge(scopes), dropped, nil
}

// merge sorts scopes by type and name and joins those of one resource, in place. The result shares the
// memory of its argument.
func merge(scopes []Scope) []Scope {
	if len(scopes) < 2 {
		return scopes
	}
	slices.SortFunc(scopes, compare)
	last := 0
	for _, s := range scopes[1:] {
		if compare(scopes[last], s) == 0 {
			scopes[last].Actions |= s.Actions
			continue
		}
		last++
		scopes[last] = s
	}
	return scopes[:last+1]
}

// compare orders scopes by resource.
func compare(a, b Scope) int {
	if c := strings.Compare(a.Type, b.Type); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}

// checkScopeText refuses values that are unfit as a whole.
func checkScopeText(values []string) error {
	size := 0
	for _, value := range values {
		size += len(value)
		switch {
		case size > maxScopeBytes:
			return &ScopeError{Fault: fmt.Sprintf("more than %d bytes", maxScopeBytes)}
		case strings.ContainsAny(value, "\x00\r\n"):
			return &ScopeError{Fault: "holds NUL, CR or LF"}
		case !utf8.ValidString(value):
			return &ScopeError{Fault: "not UTF-8"}
		}
	}
	return nil
}

// parseScope reads one element. The reason is empty if all of it was understood; a scope with actions counts
// whether or not there is a reason.
func parseScope(element string) (Scope, DropReason) {
	first, last := strings.IndexByte(element, ':'), strings.LastIndexByte(element, ':')
	if first == last {
		return Scope{}, DropMalformed
	}
	kind, ok := baseType(element[:first])
	if !ok {
		return Scope{}, DropMalformed
	}
	name, words := element[first+1:last], element[last+1:]
	if words == "" {
		return Scope{}, DropMalformed
	}
	switch kind {
	case TypeRepository:
		if name == "" && words == "pull" {
			return Scope{Type: TypeRegistry, Name: CatalogName, Actions: UnnamedPull}, ""
		}
		if !ValidName(name) {
			return Scope{}, DropBadName
		}
		actions, reason := parseActions(words, ParseAction)
		return Scope{Type: TypeRepository, Name: name, Actions: actions}, reason
	case TypeRegistry:
		if name != CatalogName {
			return Scope{}, DropUnknownName
		}
		actions, reason := parseActions(words, parseCatalogAction)
		return Scope{Type: TypeRegistry, Name: CatalogName, Actions: actions}, reason
	default:
		return Scope{}, DropUnknownType
	}
}

// baseType drops the class of a type: [a-z0-9]+ with an optional ([a-z0-9]+).
func baseType(s string) (base string, ok bool) {
	base, class, hasClass := strings.Cut(s, "(")
	if hasClass {
		class, ok = strings.CutSuffix(class, ")")
		if !ok || !lowerAlphanumeric(class) {
			return "", false
		}
	}
	return base, lowerAlphanumeric(base)
}

// lowerAlphanumeric matches [a-z0-9]+.
func lowerAlphanumeric(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// parseActions reads words separated by commas. Empty words are legal and mean nothing.
func parseActions(words string, parse func(string) Actions) (Actions, DropReason) {
	var set Actions
	var reason DropReason
	for more := true; more; {
		var word string
		word, words, more = strings.Cut(words, ",")
		action := parse(word)
		if action == 0 && word != "" {
			reason = DropUnknownAction
		}
		set |= action
	}
	if set == 0 && reason == "" {
		reason = DropMalformed
	}
	return set, reason
}

// parseCatalogAction gives the action of a word of a scope on the catalog.
func parseCatalogAction(word string) Actions {
	if word == "*" {
		return Catalog
	}
	return 0
}

// printable cuts a text to a bound and escapes what does not print in ASCII.
func printable(s string) string {
	if len(s) > maxDroppedText {
		s = strings.ToValidUTF8(s[:maxDroppedText], "") + "..."
	}
	quoted := strconv.QuoteToASCII(s)
	return quoted[1 : len(quoted)-1]
}
