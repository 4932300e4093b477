package gate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// keyFolder is where rings are in the state directory.
const keyFolder = "keys"

// keyTick is how often the files of keys are looked at: what a rotation writes is in force within that time.
const keyTick = 2 * time.Second

// signing is everything that signs tokens: certificates under the CA for some registries, rings for others.
type signing struct {
	set      *token.KeySet // nil where no registry has its tokens signed under the CA
	rings    []*token.Ring
	follower *token.CAFollower // nil without set
}

// newSigning reads the keys of every registry. Ways of signing that a registry's software does not understand are
// faults, all of them at once.
func newSigning(cfg config.Config, o token.Observer) (*signing, error) {
	errs := []error{keyFaults(cfg)}
	s := &signing{}
	if usesCA(cfg) {
		ca, err := loadCA(cfg)
		if err == nil {
			s.set, err = token.NewKeySet(token.KeySetOptions{CA: ca, Algorithms: algorithmsUnderCA(cfg), Observer: o})
		}
		if err == nil {
			s.follower = s.set.Follow(caFiles(cfg))
		}
		errs = append(errs, err)
	}
	for _, ro := range ringOptions(cfg) {
		ring, err := openRing(cfg, ro, o)
		errs = append(errs, err)
		if err == nil {
			s.rings = append(s.rings, ring)
		}
	}
	errs = append(errs, sharedKeyFault(cfg, s.rings))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// openRing opens a ring, or makes it where the configuration allows that.
func openRing(cfg config.Config, ro ringOption, o token.Observer) (*token.Ring, error) {
	ro.Observer = o
	ring, err := token.OpenRing(ro.RingOptions)
	if !errors.Is(err, fs.ErrNotExist) || ro.File == "" {
		return ring, err
	}
	if !cfg.Keys.AutoCreate {
		return nil, noKeys(ro.File)
	}
	if err := token.CreateRing(ro.File, ro.algorithm, time.Now()); err != nil {
		return nil, err
	}
	return token.OpenRing(ro.RingOptions)
}

// ringOption is how a ring is opened, and what for.
type ringOption struct {
	token.RingOptions

	algorithm string
	services  []string
}

// ringOptions gives every ring that registries need, each once.
func ringOptions(cfg config.Config) []ringOption {
	var all []ringOption
	for _, r := range cfg.Registries {
		name := ringOf(r)
		if name == "" {
			continue
		}
		if i := slices.IndexFunc(all, func(o ringOption) bool { return o.Name == name }); i >= 0 {
			all[i].services = append(all[i].services, r.Service)
			continue
		}
		o := ringOption{algorithm: r.Algorithm, services: []string{r.Service}}
		o.Name, o.KeyFile, o.CertFile, o.KeyPasswordFile = name, r.KeyFile, r.CertFile, r.KeyPasswordFile
		if r.KeyFile == "" {
			o.File = ringFile(cfg, r.KeyName)
		}
		all = append(all, o)
	}
	return all
}

// ringOf names the ring that signs for a registry; empty means a certificate under the CA.
func ringOf(r config.Registry) string {
	switch {
	case r.KeyFile != "":
		return r.KeyFile // a name that no key_name can be
	case r.KeyForm != string(token.X5C):
		return r.KeyName
	default:
		return ""
	}
}

// ringFile is the file of a ring of a name.
func ringFile(cfg config.Config, name string) string {
	return filepath.Join(cfg.StateDir, keyFolder, name+".json")
}

// usesCA reports whether a registry has its tokens signed under the CA.
func usesCA(cfg config.Config) bool { return len(algorithmsUnderCA(cfg)) > 0 }

// algorithmsUnderCA are those of the registries whose tokens are signed under the CA.
func algorithmsUnderCA(cfg config.Config) []string {
	var all []string
	for _, r := range cfg.Registries {
		if ringOf(r) == "" {
			all = append(all, r.Algorithm)
		}
	}
	return all
}

// keyFaults says which registries cannot verify the tokens that the configuration gives them.
func keyFaults(cfg config.Config) error {
	var errs []error
	algorithms, owners := map[string]string{}, map[string]config.Registry{}
	for _, r := range cfg.Registries {
		p := registry.ProfileOf(registry.Kind(r.Kind))
		if _, err := p.Way(r.KeyForm, r.Algorithm); err != nil {
			errs = append(errs, fmt.Errorf("registry %s: %w", r.Service, err))
		}
		name := ringOf(r)
		if name == "" {
			continue
		}
		if a, ok := algorithms[name]; ok && a != r.Algorithm {
			errs = append(errs, fmt.Errorf("registry %s: the keys %s sign with %s for another registry; give it a key_name of its own", r.Service, name, a))
		}
		algorithms[name] = r.Algorithm
		other, ok := owners[name]
		owners[name] = r
		if ok && (p.OwnKey || registry.ProfileOf(registry.Kind(other.Kind)).OwnKey) {
			errs = append(errs, ownKeyFault(p, r.Service, other.Service))
		}
	}
	return errors.Join(errs...)
}

// ownKeyFault says why two registries must not share a key.
func ownKeyFault(p registry.Profile, a, b string) error {
	if !p.OwnKey {
		p = registry.ProfileOf(registry.Zot)
	}
	return fmt.Errorf("registries %s and %s share a key, and %s checks neither issuer nor audience: a token for one would open the other; give each a key_name of its own", a, b, p.Title)
}

// sharedKeyFault finds one key in rings of several names, where one of them must have its own.
func sharedKeyFault(cfg config.Config, rings []*token.Ring) error {
	owners := map[string]config.Registry{} // by key
	var errs []error
	for _, r := range cfg.Registries {
		i := slices.IndexFunc(rings, func(ring *token.Ring) bool { return ring.Name() == ringOf(r) })
		if i < 0 {
			continue
		}
		if a := rings[i].Algorithm(); a != r.Algorithm {
			errs = append(errs, fmt.Errorf("registry %s: the keys %s sign with %s, not with %s; set algorithm to that, or give the registry a key_name of its own",
				r.Service, rings[i].Name(), a, r.Algorithm))
		}
		for _, k := range rings[i].Keys() {
			other, ok := owners[k.ID]
			owners[k.ID] = r
			p := registry.ProfileOf(registry.Kind(r.Kind))
			if ok && ringOf(other) != ringOf(r) && (p.OwnKey || registry.ProfileOf(registry.Kind(other.Kind)).OwnKey) {
				errs = append(errs, ownKeyFault(p, r.Service, other.Service))
			}
		}
	}
	return errors.Join(errs...)
}

// run renews certificates ahead of time, and follows the files of keys, until ctx ends.
func (s *signing) run(ctx context.Context) error {
	if s.set != nil {
		renewing, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = s.set.Run(renewing) // it ends with its context, and never fails
		}()
		defer func() {
			stop()
			<-done
		}()
	}
	ticker := time.NewTicker(keyTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			_ = s.reload() // the observer was told
		}
	}
}

// reload reads the files of keys that changed. Those that are not fit leave the keys as they are.
func (s *signing) reload() error {
	var errs []error
	if s.follower != nil {
		_, err := s.follower.Reload()
		errs = append(errs, err)
	}
	for _, ring := range s.rings {
		_, err := ring.Reload()
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// usable is an error if a registry's tokens cannot be signed now.
func (s *signing) usable(now time.Time) error {
	var errs []error
	if s.set != nil {
		for _, k := range s.set.Keys() {
			if !now.Before(k.NotAfter) {
				errs = append(errs, fmt.Errorf("the %s signing certificate ended at %s", k.Algorithm, k.NotAfter.UTC().Format(time.RFC3339)))
			}
		}
	}
	for _, ring := range s.rings {
		for _, k := range ring.Keys() {
			if k.State == token.KeyActive && !k.NotAfter.IsZero() && !now.Before(k.NotAfter) {
				errs = append(errs, fmt.Errorf("the certificate of the keys %s ended at %s", ring.Name(), k.NotAfter.UTC().Format(time.RFC3339)))
			}
		}
	}
	return errors.Join(errs...)
}

// tell lets an observer hear of the keys in force.
func (s *signing) tell(o token.Observer) {
	if s.set != nil {
		call(o.CA, s.set.CA().Certificate().NotAfter)
		for _, k := range s.set.Keys() {
			o.Rotated(k.Algorithm, k.NotAfter)
		}
	}
	for _, ring := range s.rings {
		if o.Ring != nil {
			o.Ring(ring.Name(), ring.Keys())
		}
	}
}
