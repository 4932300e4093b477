package policyfile

// The codes of warnings.
const (
	// WarnTestTime: a test without a time of its own fails now, and not at other times.
	WarnTestTime Code = "test-depends-on-time"
)

// Warnings are what somebody should look at, in the order of the document. They block nothing.
type Warnings []Fault
