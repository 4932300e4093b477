package gate

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// CAName is what the signing CA is called among the names of keys.
const CAName = "ca"

// ErrNotOurs means that keys belong to the operator, who makes and replaces them.
var ErrNotOurs = errors.New("these keys are yours")

// ListedKey is one key or CA, as people are shown it.
type ListedKey struct {
	// Keys is the name that keys of one purpose share; [CAName] for CAs.
	Keys string `json:"keys"`
	// ID is the JWK thumbprint of a key, or the serial number of a CA.
	ID string `json:"id"`
	// Algorithm is empty for a CA.
	Algorithm string         `json:"algorithm,omitempty"`
	State     token.KeyState `json:"state"`
	// Published, Activated and RetireUntil are zero where that has not come about.
	Published   time.Time `json:"published,omitzero"`
	Activated   time.Time `json:"activated,omitzero"`
	RetireUntil time.Time `json:"retire_until,omitzero"`
	// NotAfter is the end of its certificate; zero without one.
	NotAfter time.Time `json:"not_after,omitzero"`
	// Services are the registries whose tokens it signs.
	Services []string `json:"services"`
	// File is where it is.
	File string `json:"file"`
}

// ListKeys describes every key that signs, signed, or is going to. It asks no running gate.
func ListKeys(cfg config.Config) ([]ListedKey, error) {
	var all []ListedKey
	var errs []error
	if usesCA(cfg) {
		cas, err := listCA(cfg)
		all, errs = append(all, cas...), append(errs, err)
	}
	for _, ro := range ringOptions(cfg) {
		ring, err := token.OpenRing(ro.RingOptions)
		if errors.Is(err, fs.ErrNotExist) && ro.File != "" {
			err = noKeys(ro.File)
		}
		errs = append(errs, err)
		if err != nil {
			continue
		}
		for _, k := range ring.Keys() {
			all = append(all, ListedKey{
				Keys: ro.Name, ID: k.ID, Algorithm: k.Algorithm, State: k.State, Published: k.Published, Activated: k.Activated,
				RetireUntil: k.RetireUntil, NotAfter: k.NotAfter, Services: ro.services, File: orElse(ro.File, ro.KeyFile),
			})
		}
	}
	return all, errors.Join(errs...)
}

// listCA describes the CAs of the bundle.
func listCA(cfg config.Config) ([]ListedKey, error) {
	var services []string
	for _, r := range cfg.Registries {
		if ringOf(r) == "" {
			services = append(services, r.Service)
		}
	}
	cert := caFiles(cfg).Cert
	if cfg.Keys.CACertFile != "" {
		ca, err := loadCA(cfg)
		if err != nil {
			return nil, err
		}
		c := ca.Certificate()
		return []ListedKey{{Keys: CAName, ID: c.SerialNumber.Text(16), State: token.KeyActive, NotAfter: c.NotAfter, Services: services, File: cert}}, nil
	}
	states, err := token.CAStates(cfg.StateDir, retireFor(cfg))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noKeys(cert)
	}
	var all []ListedKey
	for _, s := range states {
		all = append(all, ListedKey{
			Keys: CAName, ID: s.Certificate.SerialNumber.Text(16), State: s.State, Published: s.Published,
			RetireUntil: s.RetireUntil, NotAfter: s.Certificate.NotAfter, Services: services, File: cert,
		})
	}
	return all, err
}

// RotateKeys takes the next step with the keys of a name: [CAName], or a key_name. force lets a key sign that was not
// published long enough. A running gate follows within seconds.
func RotateKeys(cfg config.Config, name string, force bool) (token.Step, error) {
	r := token.Rotation{Now: time.Now(), PublishFor: cfg.Keys.PublishFor, RetireFor: retireFor(cfg), Force: force}
	if name == CAName && usesCA(cfg) {
		if cfg.Keys.CACertFile != "" {
			return "", fmt.Errorf("%w: put the next CA into %s beside the present one, give the bundle to every registry, and replace %s then",
				ErrNotOurs, cfg.Keys.CACertFile, cfg.Keys.CAKeyFile)
		}
		return token.RotateCA(cfg.StateDir, r)
	}
	i := slices.IndexFunc(ringOptions(cfg), func(ro ringOption) bool { return ro.Name == name })
	if i < 0 {
		return "", fmt.Errorf("%w: %q; there are %s", token.ErrUnknownRing, name, strings.Join(KeyNames(cfg), ", "))
	}
	ro := ringOptions(cfg)[i]
	if ro.File == "" {
		return "", fmt.Errorf("%w: give the certificate of the next key to every registry, and replace %s then", ErrNotOurs, ro.KeyFile)
	}
	step, err := token.RotateRing(ro.File, r)
	if errors.Is(err, fs.ErrNotExist) {
		return "", noKeys(ro.File)
	}
	return step, err
}

// KeyNames gives the names of all keys of a configuration.
func KeyNames(cfg config.Config) []string {
	var names []string
	if usesCA(cfg) {
		names = append(names, CAName)
	}
	for _, ro := range ringOptions(cfg) {
		names = append(names, ro.Name)
	}
	return names
}

// ServicesOf gives the registries whose tokens the keys of a name sign.
func ServicesOf(cfg config.Config, name string) []string {
	var services []string
	for _, r := range cfg.Registries {
		if ringOf(r) == name || name == CAName && ringOf(r) == "" {
			services = append(services, r.Service)
		}
	}
	return services
}

// retireFor is how long tokens of a key that ceased to sign are about.
func retireFor(cfg config.Config) time.Duration {
	const leeway = time.Minute
	longest := time.Duration(0)
	for _, r := range cfg.Registries {
		longest = max(longest, r.TokenLifetime, r.PushTokenLifetime)
	}
	return longest + leeway + keyTick
}
