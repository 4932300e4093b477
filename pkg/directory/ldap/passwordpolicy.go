package ldap

import (
	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// policyRequest asks for the password policy response (draft-behera-ldap-password-policy section 6.1). Its
// encoding is made once a connection.
type policyRequest struct{ packet *ber.Packet }

// newPolicyRequest encodes the control.
func newPolicyRequest() policyRequest {
	return policyRequest{packet: goldap.NewControlBeheraPasswordPolicy().Encode()}
}

// GetControlType gives the control's OID.
func (policyRequest) GetControlType() string { return goldap.ControlTypeBeheraPasswordPolicy }

// Encode gives the encoding made before; it is only read.
func (r policyRequest) Encode() *ber.Packet { return r.packet }

// String names the control.
func (policyRequest) String() string { return "password policy request" }

// policyAnswer is what the password policy said beside the result code.
type policyAnswer struct {
	reason identity.Reason // why the account is refused; empty if it is not
	said   string          // the control's own word for it
	grace  int64           // logins left with an expired password; negative if not told
}

// readPolicy reads the controls of a bind response.
func readPolicy(controls []goldap.Control) policyAnswer {
	a := policyAnswer{grace: -1}
	legacyMustChange := false
	for _, c := range controls {
		switch c := c.(type) {
		case *goldap.ControlBeheraPasswordPolicy:
			a.grace = c.Grace
			a.reason, a.said = policyReason(c.Error), policyWord(c.Error)
		case *goldap.ControlVChuPasswordMustChange:
			legacyMustChange = true
		}
	}
	if legacyMustChange && a.reason == "" && a.grace < 0 {
		a.reason, a.said = identity.ReasonMustChange, "password must change"
	}
	return a
}

// beside adds what the policy said to other words about a refusal.
func (a policyAnswer) beside(text string) string {
	switch {
	case a.said == "":
		return text
	case text == "":
		return "password policy: " + a.said
	default:
		return text + "; password policy: " + a.said
	}
}

// policyWord gives the draft's word for the error of the response control; empty for none. A control with another number is
// not decoded.
func policyWord(code int8) string {
	words := []string{
		"passwordExpired", "accountLocked", "changeAfterReset", "passwordModNotAllowed", "mustSupplyOldPassword",
		"insufficientPasswordQuality", "passwordTooShort", "passwordTooYoung", "passwordInHistory",
	}
	if code < 0 || int(code) >= len(words) {
		return ""
	}
	return words[code]
}

// policyReason maps the error of the response control; negative means that there was none, as zero is an error.
func policyReason(code int8) identity.Reason {
	const passwordExpired, accountLocked, changeAfterReset = 0, 1, 2
	switch {
	case code < 0:
		return ""
	case code == passwordExpired:
		return identity.ReasonPasswordExpired
	case code == accountLocked:
		return identity.ReasonLocked
	case code == changeAfterReset:
		return identity.ReasonMustChange
	default:
		return identity.ReasonRefused
	}
}
