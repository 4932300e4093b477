package ldap_test

import (
	"errors"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestRefusalsQuoteThePasswordPolicy: what the response control says stands beside the words of the result, for operators.
func TestRefusalsQuoteThePasswordPolicy(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		code     int64
		controls *ber.Packet
		want     string
	}{
		{"expired", 49, policyError(0), "result 49 (invalid credentials); password policy: passwordExpired"},
		{"locked", 49, policyError(1), "result 49 (invalid credentials); password policy: accountLocked"},
		{"must change", 0, policyError(2), "password policy: changeAfterReset, although the bind succeeded"},
		{"another error", 49, policyError(7), "result 49 (invalid credentials); password policy: passwordTooYoung"},
		{"wrong", 49, nil, "result 49 (invalid credentials)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newFakeServer()
			s.on(onUserBind(func(request) *answer { return &answer{result: true, code: tt.code, controls: tt.controls} }))
			_, _, err := prove(t.Context(), backend(t, options(nil, s)))
			if refusal, ok := errors.AsType[*identity.AccountError](err); !ok || refusal.Detail != tt.want {
				t.Errorf("Prove: %#v, want the detail %q", err, tt.want)
			}
		})
	}
}

// TestLDAP63_WhyThePolicyRefusesTheServiceAccount: what the control says of it, with what to do.
func TestLDAP63_WhyThePolicyRefusesTheServiceAccount(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		code     int64
		controls *ber.Packet
		want     []string
	}{
		{"expired", 49, policyError(0), []string{"password policy: passwordExpired", "the service account's password has expired"}},
		{"locked", 49, policyError(1), []string{"password policy: accountLocked", "the service account (bind.dn) is locked"}},
		{"must change", 0, policyError(2), []string{"password policy: changeAfterReset", "the service account's password has expired"}},
		{"wrong", 49, nil, []string{"look at bind.dn and the password file"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newFakeServer()
			s.on(func(r request) *answer {
				if r.op == opBind && r.dn == serviceDN {
					return &answer{result: true, code: tt.code, controls: tt.controls}
				}
				return nil
			})
			_, err := backend(t, options(nil, s)).Find(t.Context(), "alice", 0)
			for _, want := range tt.want {
				if !errors.Is(err, identity.ErrUnavailable) || !strings.Contains(err.Error(), want) {
					t.Errorf("Find: %v, want %q in it", err, want)
				}
			}
		})
	}
}
