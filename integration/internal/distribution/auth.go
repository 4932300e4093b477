package distribution

import (
	"crypto/rand"

	"github.com/distribution/distribution/v3/configuration"
)

// Auth is what a registry must know of its token server. With the zero Auth a registry asks nobody for anything.
type Auth struct {
	// Realm is the URL of the token endpoint, Service the registry's name there, Issuer the iss of tokens.
	Realm, Service, Issuer string
	// BundleFile holds the certificate authority that signs tokens.
	BundleFile string
}

// settings is the auth section of a registry's configuration.
func (a Auth) settings() configuration.Parameters {
	return configuration.Parameters{
		"realm": a.Realm, "service": a.Service, "issuer": a.Issuer, "rootcertbundle": a.BundleFile,
	}
}

// newConfiguration is a registry that keeps everything in memory, allows deletes and tells no one.
func newConfiguration(a Auth) *configuration.Configuration {
	off := map[any]any{"enabled": false}
	c := &configuration.Configuration{
		Version: configuration.CurrentVersion,
		Storage: configuration.Storage{
			"inmemory":    configuration.Parameters{},
			"delete":      configuration.Parameters{"enabled": true},
			"maintenance": configuration.Parameters{"uploadpurging": off},
		},
	}
	if a != (Auth{}) {
		c.Auth = configuration.Auth{"token": a.settings()}
	}
	c.HTTP.Secret = rand.Text()
	c.Catalog.MaxEntries = 1000 // what crane asks for at once
	return c
}
