package token

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"net"
	"strings"
)

// reservedDomain is where the name constraint of a CA lets its certificates be: a place where no host can
// be (RFC 6761 section 6.4).
const reservedDomain = "wharfgate.invalid"

// Purpose is the extended key usage of the signing CA and its leaves. It stands for signing registry tokens
// and nothing else, in an arc that is free for ids made from a UUID.
func Purpose() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113556, 1, 8000, 2554, 4913, 690, 10861, 17605, 39335, 16107448, 4102696}
}

// purposes is [Purpose] as certificate templates want it.
func purposes() []asn1.ObjectIdentifier { return []asn1.ObjectIdentifier{Purpose()} }

// CheckSinglePurpose refuses a CA certificate that may do anything but sign token certificates. A registry
// believes every leaf under a CA in its bundle, so a CA that may issue server or client certificates would
// let all their holders make tokens.
//
// The error matches [ErrInvalidCA] and names every fault.
func CheckSinglePurpose(cert *x509.Certificate) error {
	faults := append(authorityFaults(cert), usageFaults(cert)...)
	faults = append(faults, constraintFaults(cert)...)
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w: certificate %q: %s", ErrInvalidCA, cert.Subject, strings.Join(faults, "; "))
}

// authorityFaults wants an authority that signs leaves and does nothing else.
func authorityFaults(cert *x509.Certificate) (faults []string) {
	if !cert.BasicConstraintsValid || !cert.IsCA {
		faults = append(faults, "it is no certificate authority (basic constraint CA:TRUE is missing)")
	}
	if cert.MaxPathLen != 0 || !cert.MaxPathLenZero {
		faults = append(faults, "it may sign other authorities (path length 0 is missing)")
	}
	if cert.KeyUsage&x509.KeyUsageCertSign == 0 {
		faults = append(faults, "it may not sign certificates (key usage keyCertSign is missing)")
	}
	if cert.KeyUsage&^(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) != 0 {
		faults = append(faults, "it may do more than sign certificates (key usage)")
	}
	return faults
}

// usageFaults wants [Purpose] as the only extended key usage.
func usageFaults(cert *x509.Certificate) (faults []string) {
	if len(cert.ExtKeyUsage) == 0 && len(cert.UnknownExtKeyUsage) == 0 {
		return []string{"it may issue server and client certificates (no extended key usage limits it)"}
	}
	for _, usage := range cert.ExtKeyUsage {
		switch usage {
		case x509.ExtKeyUsageServerAuth:
			faults = append(faults, "it may issue server certificates (extended key usage serverAuth)")
		case x509.ExtKeyUsageClientAuth:
			faults = append(faults, "it may issue client certificates (extended key usage clientAuth)")
		default:
			faults = append(faults, fmt.Sprintf("it may issue certificates for other uses (extended key usage %v)", usage))
		}
	}
	for _, usage := range cert.UnknownExtKeyUsage {
		if !usage.Equal(Purpose()) {
			faults = append(faults, fmt.Sprintf("it may issue certificates for other uses (extended key usage %v)", usage))
		}
	}
	return faults
}

// constraintFaults wants a critical name constraint that no host name and no address can meet.
func constraintFaults(cert *x509.Certificate) (faults []string) {
	if !cert.PermittedDNSDomainsCritical {
		return []string{"its certificates may name hosts (no critical name constraint)"}
	}
	if len(cert.PermittedDNSDomains) == 0 {
		faults = append(faults, "its certificates may name hosts (no DNS name is permitted, so all are)")
	}
	for _, domain := range cert.PermittedDNSDomains {
		if !strings.HasSuffix("."+strings.ToLower(domain), ".invalid") {
			faults = append(faults, fmt.Sprintf("its certificates may name hosts below %q (only names below .invalid are harmless)", domain))
		}
	}
	if !coversAll(cert.ExcludedIPRanges, net.IPv4len) || !coversAll(cert.ExcludedIPRanges, net.IPv6len) {
		faults = append(faults, "its certificates may name addresses (0.0.0.0/0 and ::/0 are not both excluded)")
	}
	return faults
}

// allAddresses are the ranges that cover every address.
func allAddresses() []*net.IPNet {
	return []*net.IPNet{
		{IP: make(net.IP, net.IPv4len), Mask: net.CIDRMask(0, 8*net.IPv4len)},
		{IP: make(net.IP, net.IPv6len), Mask: net.CIDRMask(0, 8*net.IPv6len)},
	}
}

// coversAll reports whether one of the ranges is the whole space of addresses with size bytes.
func coversAll(ranges []*net.IPNet, size int) bool {
	for _, r := range ranges {
		if ones, bits := r.Mask.Size(); ones == 0 && bits == 8*size {
			return true
		}
	}
	return false
}
