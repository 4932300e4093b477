package gate_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// withLockedKey gives the registry a key of the operator's own, and the password that opens it.
func withLockedKey(t *testing.T, s *site) {
	t.Helper()
	key, err := os.ReadFile("../token/testdata/locked/aes256-sha256.pem")
	if err != nil {
		t.Fatal(err)
	}
	r := config.DefaultRegistry(service)
	r.KeyForm, r.KeyName = string(token.RFC7638), ""
	r.Kind = "distribution3"
	r.KeyFile = s.write(t, "own.key", string(key))
	r.KeyPasswordFile = s.write(t, "own.pw", "opensesame\n")
	s.config.Registries = []config.Registry{r}
	s.config.Keys.AutoCreate = false
}

// TestLockedKeyOfOnesOwn: a key under a password is checked and listed like any other, and a wrong password is a fault
// of both that does not tell what was tried.
func TestLockedKeyOfOnesOwn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	withLockedKey(t, s)
	wantFinding(t, s.check(t, nil, gate.Offline), gate.OK, "keys", "own.key: ES256 key")
	listed, err := gate.ListKeys(s.config)
	if err != nil || len(listed) != 1 || listed[0].File != s.config.Registries[0].KeyFile || listed[0].State != token.KeyActive {
		t.Errorf("ListKeys = %v, %v, want the key", listed, err)
	}
	s.write(t, "own.pw", "tried-in-vain\n")
	const want = "does not open the key"
	wantFinding(t, s.check(t, nil, gate.Offline), gate.Fault, "keys", want)
	listed, err = gate.ListKeys(s.config)
	if len(listed) != 0 || !errors.Is(err, token.ErrInvalidKey) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "tried-in-vain") {
		t.Errorf("ListKeys with a wrong password = %v, %v, want ErrInvalidKey without the password", listed, err)
	}
	if _, err := s.build(t.Context(), nil); !errors.Is(err, token.ErrInvalidKey) {
		t.Errorf("Build with a wrong password = %v, want ErrInvalidKey", err)
	}
}

// TestLockedCAOfOnesOwn: the password of the signing CA is read from the file that the configuration names.
func TestLockedCAOfOnesOwn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	withLockedKey(t, s)
	r := s.config.Registries[0]
	s.config.Registries = []config.Registry{config.DefaultRegistry(service)}
	s.config.Keys = config.Keys{CACertFile: s.write(t, "own.crt", "nothing"), CAKeyFile: r.KeyFile}
	wantFinding(t, s.check(t, nil, gate.Offline), gate.Fault, "keys", "name a file with its password in ca_key_password_file")
	s.config.Keys.CAKeyPasswordFile = r.KeyPasswordFile
	wantFinding(t, s.check(t, nil, gate.Offline), gate.Fault, "keys", "own.crt holds no PEM certificate") // the key is open
}
