package deploytest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/need"
)

const unitFile = "../../deploy/systemd/wharfgate.service"

// TestUnitIsHardened: systemd's own judgment, from 0 (safe) to 10.
func TestUnitIsHardened(t *testing.T) {
	t.Parallel()
	tool := need.Tools(t, "systemd-analyze")[0]
	out := output(t, tool, "security", "--offline=true", "--no-pager", "--threshold=15", unitFile)
	if !strings.Contains(string(out), "Overall exposure level for wharfgate.service: ") {
		t.Errorf("systemd-analyze says:\n%s", out)
	}
	// The threshold itself is tried: a unit without any protection must fail.
	open := filepath.Join(t.TempDir(), "open.service")
	write(t, open, "[Service]\nExecStart=/bin/true\n")
	if err := exec.Command(tool, "security", "--offline=true", "--no-pager", "--threshold=15", open).Run(); err == nil {
		t.Error("an open unit passes the same check")
	}
}

// TestUnitIsValid: systemd finds no unknown key in it. The binary is put where this machine has it.
func TestUnitIsValid(t *testing.T) {
	t.Parallel()
	tool := need.Tools(t, "systemd-analyze")[0]
	binary := buildBinary(t)
	check := func(text string) (string, error) {
		unit := filepath.Join(t.TempDir(), "wharfgate.service")
		write(t, unit, text)
		out, err := exec.Command(tool, "verify", "--man=no", "--recursive-errors=no", unit).CombinedOutput()
		return string(out), err
	}
	unit := strings.ReplaceAll(read(t, unitFile), "/usr/bin/wharfgate", binary)
	if out, err := check(unit); err != nil || strings.Contains(out, "wharfgate.service:") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	if out, _ := check(unit + "\n[Service]\nProtectEverything=yes\n"); !strings.Contains(out, "ProtectEverything") {
		t.Errorf("an unknown key is not found:\n%s", out)
	}
}

// TestUnitCommand: the command of the unit is one that the binary knows.
func TestUnitCommand(t *testing.T) {
	t.Parallel()
	m := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/wharfgate (.*)$`).FindStringSubmatch(read(t, unitFile))
	if m == nil {
		t.Fatal("no ExecStart")
	}
	knows(t, strings.Fields(m[1]))
}

func TestSysusers(t *testing.T) {
	t.Parallel()
	tool := need.Tools(t, "systemd-sysusers")[0]
	file, err := filepath.Abs("../../deploy/systemd/wharfgate.sysusers.conf")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	output(t, tool, "--root="+root, file)
	passwd := read(t, filepath.Join(root, "etc/passwd"))
	if !strings.Contains(passwd, "wharfgate:") {
		t.Errorf("passwd = %q, want an account wharfgate", passwd)
	}
	if !strings.Contains(read(t, unitFile), "User=wharfgate\n") {
		t.Error("the unit runs as another user")
	}
}

// knows checks that the binary accepts a command line, by asking for its help instead of running it.
func knows(t *testing.T, args []string) {
	t.Helper()
	out, err := exec.Command(buildBinary(t), append(args, "--help")...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "wharfgate "+args[0]) {
		t.Errorf("wharfgate %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
