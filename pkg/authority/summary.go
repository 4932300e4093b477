package authority

// Rules names the rules that decided about the scopes of a request, each once, as the policy file numbers
// them (file:line), in the order of the scopes.
func (g Grant) Rules() []string {
	return nil
}

// Reason is why not all that was asked was granted: "no_rule" or "denied_by_rule"; empty when all was, or when
// nothing was asked.
func (g Grant) Reason() string {
	return ""
}
