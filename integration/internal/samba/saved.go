package samba

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/repository"
)

// fresh is how long saved data is used: the passwords in it grow old.
const fresh = 24 * time.Hour

// saved is where the data of new domains is kept: for this version of the scripts, for today.
func saved(t testing.TB) string {
	t.Helper()
	sum := sha256.New()
	for _, name := range []string{"samba-ad.sh", "lib.sh"} {
		text, err := os.ReadFile(repository.Path(t, "integration", "testbed", name))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = sum.Write(text)
	}
	day := time.Now().UTC().Truncate(fresh).Format(time.DateOnly)
	dir := repository.Path(t, "bin", "integration")
	name := "samba-" + day + "-" + hex.EncodeToString(sum.Sum(nil)[:6])
	removeOld(dir, name)
	return filepath.Join(dir, name)
}

// removeOld removes data of other days; that of other scripts stays, as another checkout's test may use it.
func removeOld(dir, current string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // it is made with the first data
	}
	const day = len("samba-" + time.DateOnly)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "samba-") && e.Name() != current && len(e.Name()) > day && e.Name()[:day] < current[:day] {
			_ = os.RemoveAll(filepath.Join(dir, e.Name())) // what another run holds is gone at its next start
		}
	}
}
