package need

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Tools returns the paths of the commands that a test needs, in the order of the names. If one is missing the
// test is skipped, or fails with CI=true.
func Tools(t testing.TB, names ...string) []string {
	t.Helper()
	var paths, missing []string
	for _, name := range names {
		path, err := Look(name)
		if err != nil {
			missing = append(missing, name+" (Debian package "+debianPackage(name)+")")
		}
		paths = append(paths, path)
	}
	if len(missing) > 0 {
		Skip(t, "missing "+strings.Join(missing, ", "))
	}
	return paths
}

// Root skips a test that needs to run as root where it does not, or fails it with CI=true.
func Root(t testing.TB, why string) {
	t.Helper()
	if os.Geteuid() != 0 {
		Skip(t, why)
	}
}

// Skip skips a test for want of something outside the repository; with CI=true it fails it.
func Skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s: a skip is a failure with CI=true; integration/install.sh installs what it can", why)
	}
	t.Skip(why)
}

// Look finds a command in PATH or among the daemons of a Debian system.
func Look(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("look for %q: %w", name, exec.ErrNotFound)
}

// debianPackage names the package that brings a command.
func debianPackage(command string) string {
	switch command {
	case "ldapmodify", "ldapsearch":
		return "ldap-utils"
	case "samba":
		return "samba-ad-dc"
	case "samba-tool":
		return "samba-common-bin"
	case "ldbmodify", "ldbsearch":
		return "ldb-tools"
	case "ns-slapd", "pwdhash":
		return "389-ds-base"
	case "certutil", "pk12util":
		return "libnss3-tools"
	case "iconv":
		return "libc-bin"
	case "promtool":
		return "prometheus"
	case "pgrep", "pkill":
		return "procps"
	case "docker":
		return "docker.io"
	case "ctr":
		return "containerd"
	case "ip":
		return "iproute2"
	case "flock":
		return "util-linux"
	default:
		return command
	}
}
