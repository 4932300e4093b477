package policyfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Code names a kind of fault. It is a closed set, described in docs/reference/policy.md.
type Code string

// The codes.
const (
	// CodeUnreadable: the file could not be read.
	CodeUnreadable Code = "unreadable"
	// CodeTooLarge: the document is larger, deeper or has more rules than is read.
	CodeTooLarge Code = "too-large"
	// CodeEncoding: not UTF-8, or a character that no text has.
	CodeEncoding Code = "encoding"
	// CodeYAML: not YAML.
	CodeYAML Code = "yaml"
	// CodeUnquotedStar: a pattern that starts with * has no quotes.
	CodeUnquotedStar Code = "unquoted-star"
	// CodeAnchor: an anchor, an alias or a merge key.
	CodeAnchor Code = "anchor"
	// CodeTag: a tag.
	CodeTag Code = "tag"
	// CodeSeveralDocuments: more than one document.
	CodeSeveralDocuments Code = "several-documents"
	// CodeEmpty: nothing stands where something must.
	CodeEmpty Code = "empty"
	// CodeWrongType: a list, text or mapping stands where another one must.
	CodeWrongType Code = "wrong-type"
	// CodeUnknownKey: a key that the language does not have.
	CodeUnknownKey Code = "unknown-key"
	// CodeDuplicate: a key or an item stands twice.
	CodeDuplicate Code = "duplicate"
	// CodeMissingKey: a key is missing.
	CodeMissingKey Code = "missing-key"
	// CodeVersion: not version 1.
	CodeVersion Code = "version"
	// CodeCanOrCannot: a rule with both or neither of can and cannot.
	CodeCanOrCannot Code = "can-or-cannot"
	// CodeUnknownAction: not an action.
	CodeUnknownAction Code = "unknown-action"
	// CodeCatalogWithRepos: catalog together with repositories.
	CodeCatalogWithRepos Code = "catalog-with-repos"
	// CodeUnknownSubject: not a subject.
	CodeUnknownSubject Code = "unknown-subject"
	// CodeBadRobot: a name that no robot can have.
	CodeBadRobot Code = "bad-robot"
	// CodeBadAlias: the name of an alias is not one.
	CodeBadAlias Code = "bad-alias"
	// CodeBadDN: not a distinguished name.
	CodeBadDN Code = "bad-dn"
	// CodeStarInGroup: a * in a group name.
	CodeStarInGroup Code = "star-in-group"
	// CodeBadHole: a hole that is not written as one, or stands where none can.
	CodeBadHole Code = "bad-hole"
	// CodeUnfilledHole: a hole in repos that who does not fill.
	CodeUnfilledHole Code = "unfilled-hole"
	// CodeBadPattern: not a pattern.
	CodeBadPattern Code = "bad-pattern"
	// CodeTagInPattern: a tag or digest in a pattern.
	CodeTagInPattern Code = "tag-in-pattern"
	// CodeUnknownDirectory: what follows the last @ is no directory, or a directory must be named.
	CodeUnknownDirectory Code = "unknown-directory"
	// CodeNoGroupsBase: a short group name or a hole, and groups.base_dn is not written.
	CodeNoGroupsBase Code = "no-groups-base"
	// CodeUnknownGroup: the directory does not know a group that a cannot names.
	CodeUnknownGroup Code = "unknown-group"
	// CodeAmbiguousGroup: several groups have the name that a cannot uses.
	CodeAmbiguousGroup Code = "ambiguous-group"
	// CodeUnknownRegistry: no registry of that service name is configured.
	CodeUnknownRegistry Code = "unknown-registry"
	// CodeBadNetwork: neither a network nor an address.
	CodeBadNetwork Code = "bad-network"
	// CodeBadTime: neither a day nor a moment, or an end before the beginning.
	CodeBadTime Code = "bad-time"
	// CodeBadTest: a test that asks something impossible.
	CodeBadTest Code = "bad-test"
	// CodeFailedTest: the rules do not answer as a test says.
	CodeFailedTest Code = "failed-test"
	// CodeNoteTooLong: a note is too long.
	CodeNoteTooLong Code = "note-too-long"
	// CodeMore: there are more faults than are reported at once.
	CodeMore Code = "more"
)

// Codes lists every Code.
func Codes() []Code {
	return []Code{
		CodeUnreadable, CodeTooLarge, CodeEncoding, CodeYAML, CodeUnquotedStar, CodeAnchor, CodeTag,
		CodeSeveralDocuments, CodeEmpty, CodeWrongType, CodeUnknownKey, CodeDuplicate, CodeMissingKey,
		CodeVersion, CodeCanOrCannot, CodeUnknownAction, CodeCatalogWithRepos, CodeUnknownSubject,
		CodeBadRobot, CodeBadAlias, CodeBadDN, CodeStarInGroup, CodeBadHole, CodeUnfilledHole, CodeBadPattern,
		CodeTagInPattern, CodeUnknownDirectory, CodeNoGroupsBase, CodeUnknownGroup, CodeAmbiguousGroup,
		CodeUnknownRegistry, CodeBadNetwork, CodeBadTime, CodeBadTest,
		CodeFailedTest, CodeNoteTooLong, CodeMore,
	}
}

// Fault is one fault of a document, or one warning, with what to do about it.
type Fault struct {
	// File is the name that the document was read under.
	File string `json:"file"`
	// Line and Column count from one, columns in characters; both are zero where the document as a whole is
	// at fault.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Length is how many characters are at fault; at least one where there is a position.
	Length int `json:"length,omitempty"`
	// Code is the kind of fault.
	Code Code `json:"code"`
	// Message says what is wrong, Remedy what to do.
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
	// Excerpt is the line at fault, bounded.
	Excerpt string `json:"excerpt,omitempty"`
}

// Error gives position, message and remedy in one line.
func (f Fault) Error() string {
	s := f.File
	if f.Line > 0 {
		s = fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
	}
	s += ": " + f.Message
	if f.Remedy != "" {
		s += "; " + f.Remedy
	}
	return s
}

// Text gives the error, the line at fault and a mark below it.
func (f Fault) Text() string {
	if f.Excerpt == "" || f.Line == 0 {
		return f.Error()
	}
	line := []rune(strings.ReplaceAll(f.Excerpt, "\t", " "))
	if f.Column > len(line)+1 {
		return f.Error()
	}
	length := min(max(f.Length, 1), max(len(line)-f.Column+1, 1))
	return fmt.Sprintf("%s\n%5d | %s\n%5s | %s%s", f.Error(), f.Line, string(line),
		"", strings.Repeat(" ", f.Column-1), strings.Repeat("^", length))
}

// Faults are all faults of a document, in its order. It is the error that [Parse] returns.
type Faults []Fault

// Error gives each fault in a line of its own.
func (f Faults) Error() string { return f.join(Fault.Error) }

// Text gives each fault with the line at fault and a mark below it.
func (f Faults) Text() string { return f.join(Fault.Text) }

// join puts the faults below each other.
func (f Faults) join(text func(Fault) string) string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = text(f[i])
	}
	return strings.Join(lines, "\n")
}

// sorted gives the faults in the order of the document, at most maxFaults of them.
func (f Faults) sorted(what string) Faults {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if len(f) <= maxFaults {
		return f
	}
	more := Fault{
		File: f[0].File, Code: CodeMore, Message: fmt.Sprintf("%d more %s", len(f)-maxFaults, what),
		Remedy: "mend those above first",
	}
	return append(f[:maxFaults:maxFaults], more)
}
