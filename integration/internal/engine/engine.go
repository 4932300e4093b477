package engine

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gotool"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/need"
	"github.com/wharfgate/wharfgate/integration/internal/proc"
	"github.com/wharfgate/wharfgate/integration/internal/repository"
)

// patience bounds the start of a daemon.
const patience = 30 * time.Second

// containerdConfiguration leaves out what needs a kernel's help or listens on the network.
const containerdConfiguration = `version = 2
root = %[1]q
state = %[2]q
disabled_plugins = [
  "io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.overlayfs", "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = %[3]q
[ttrpc]
  address = "%[3]s.ttrpc"
`

// containerd2Configuration unpacks images where nothing is needed of the kernel.
const containerd2Configuration = `version = 3
root = %[1]q
state = %[2]q
[grpc]
  address = %[3]q
[[plugins."io.containerd.transfer.v1.local".unpack_config]]
  platform = "linux"
  snapshotter = "native"
`

// Containerd runs Debian's containerd, which is of the first generation, until the test ends, and returns its socket;
// without it the test is skipped.
func Containerd(t testing.TB) string {
	t.Helper()
	return startContainerd(t, need.Tools(t, "containerd")[0], containerdConfiguration)
}

// Containerd2 runs a containerd of the second generation, of the version in clients/programs/containerd2/go.mod, until the
// test ends, and returns its socket.
func Containerd2(t testing.TB) string {
	t.Helper()
	program := gotool.Build(t, "containerd2", "integration", "clients", "programs", "containerd2")
	return startContainerd(t, program, containerd2Configuration)
}

func startContainerd(t testing.TB, program, configuration string) string {
	t.Helper()
	need.Root(t, "containerd wants to be root")
	dir := folder(t)
	socket, file := filepath.Join(dir, "c.sock"), filepath.Join(dir, "config.toml")
	text := fmt.Sprintf(configuration, filepath.Join(dir, "root"), filepath.Join(dir, "state"), socket)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := proc.Start(t, nil, program, "--config", file)
	if err := listens(t, p, socket); err != nil {
		t.Fatalf("containerd does not start: %v\n%s", err, p.Err)
	}
	return socket
}

// Docker is an engine of Docker. Program is the command line of the same version, Socket where the engine listens.
type Docker struct{ Program, Socket string }

// StartDocker runs Debian's Docker engine, which integration/install.sh unpacks, on a containerd until the test ends; where
// it is missing the test is skipped. Not every machine lets it start: the error says why.
func StartDocker(t testing.TB, containerd string) (Docker, error) {
	t.Helper()
	root := repository.Path(t, "bin", "integration", "docker", "usr")
	program := filepath.Join(root, "sbin", "dockerd")
	if _, err := os.Stat(program); err != nil {
		need.Skip(t, "missing dockerd (Debian package docker.io)")
	}
	dir := folder(t)
	socket := filepath.Join(dir, "d.sock")
	p := proc.Start(tolerant{t}, nil, program, "--containerd", containerd, "--host", "unix://"+socket,
		"--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "run"),
		"--pidfile", filepath.Join(dir, "pid"), "--storage-driver", "vfs", "--bridge", "none",
		"--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false")
	if err := listens(t, p, socket); err != nil {
		return Docker{}, fmt.Errorf("%w: %s", err, last(p.Err.Lines()))
	}
	return Docker{Program: filepath.Join(root, "bin", "docker"), Socket: socket}, nil
}

// tolerant stands in for a test that does not fail because a program did not start, or not well.
type tolerant struct{ testing.TB }

// Errorf takes note.
func (t tolerant) Errorf(format string, args ...any) { t.Helper(); t.Logf(format, args...) }

// folder is a new folder with a path short enough for sockets.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "wg") //nolint:usetesting // sockets want a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the folder of a daemon: %v", err)
		}
	})
	return dir
}

// listens waits until somebody answers on a socket.
func listens(t testing.TB, p *proc.Process, socket string) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		select {
		case <-p.Ended():
			cancel()
		case <-ctx.Done():
		}
	}()
	return loopback.Poll(ctx, patience, func() error {
		c, err := new(net.Dialer).DialContext(ctx, "unix", socket)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// last is the last line that says something.
func last(lines []string) string {
	for _, line := range slices.Backward(lines) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return "it says nothing"
}
