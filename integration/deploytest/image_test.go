package deploytest_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/need"
)

// imageConfig is what a test reads of an image's configuration.
type imageConfig struct {
	Config struct {
		User         string
		Entrypoint   []string
		Cmd          []string
		StopSignal   string
		Labels       map[string]string
		ExposedPorts map[string]struct{}
	} `json:"config"`
}

func TestImage(t *testing.T) {
	t.Parallel()
	tools := need.Tools(t, "buildah", "skopeo")
	if os.Geteuid() != 0 {
		need.Skip(t, "buildah needs root here")
	}
	binary := buildBinary(t)
	dir := t.TempDir()
	archive := buildImage(t, binary, filepath.Join(dir, "one.tar"))

	t.Run("same binary, same image", func(t *testing.T) {
		t.Parallel()
		again := buildImage(t, binary, filepath.Join(t.TempDir(), "two.tar"))
		if !bytes.Equal(readBytes(t, archive), readBytes(t, again)) {
			t.Error("two builds of one binary differ")
		}
	})
	t.Run("configuration", func(t *testing.T) {
		t.Parallel()
		var c imageConfig
		if err := json.Unmarshal(output(t, tools[1], "inspect", "--config", "docker-archive:"+archive), &c); err != nil {
			t.Fatal(err)
		}
		if c.Config.User != "65532:65532" {
			t.Errorf("user = %q, want 65532:65532", c.Config.User)
		}
		if got := strings.Join(append(c.Config.Entrypoint, c.Config.Cmd...), " "); got != "/usr/bin/wharfgate serve -c /etc/wharfgate/wharfgate.yaml" {
			t.Errorf("command = %q", got)
		}
		if c.Config.StopSignal != "SIGTERM" {
			t.Errorf("stop signal = %q", c.Config.StopSignal)
		}
		if _, ok := c.Config.ExposedPorts["5001/tcp"]; !ok {
			t.Errorf("exposed = %v, want 5001/tcp", c.Config.ExposedPorts)
		}
		for _, label := range []string{"title", "description", "source", "licenses", "version", "revision"} {
			if c.Config.Labels["org.opencontainers.image."+label] == "" {
				t.Errorf("no label org.opencontainers.image.%s", label)
			}
		}
	})
	t.Run("files", func(t *testing.T) {
		t.Parallel()
		root := filepath.Join(t.TempDir(), "root")
		unpackImage(t, archive, root)
		var entries []string
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				entries = append(entries, strings.TrimPrefix(path, root))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		want := "/etc/group /etc/passwd /etc/ssl/certs/ca-certificates.crt /usr/bin/wharfgate /usr/share/doc/wharfgate/LICENSE /usr/share/zoneinfo.zip"
		if got := strings.Join(entries, " "); got != want {
			t.Errorf("files = %s, want %s", got, want)
		}
		state := lstat(t, filepath.Join(root, "var/lib/wharfgate"))
		if s, ok := state.Sys().(*syscall.Stat_t); !ok || s.Uid != 65532 || state.Mode().Perm() != 0o700 {
			t.Errorf("state folder: mode %v, owner %v, want 0700 of 65532", state.Mode(), state.Sys())
		}
	})
	t.Run("runs as its user, in nothing but its files", func(t *testing.T) {
		t.Parallel()
		root := filepath.Join(t.TempDir(), "root")
		unpackImage(t, archive, root)
		openParents(t, root)
		for _, args := range [][]string{{"version"}, {"config", "schema"}, {"serve", "--help"}} {
			out, err := inRoot(root, args...)
			if err != nil || len(out) == 0 {
				t.Errorf("wharfgate %s in the image: %v\n%s", strings.Join(args, " "), err, out)
			}
		}
		write(t, filepath.Join(root, "etc/wharfgate/wharfgate.yaml"), read(t, exampleConfig))
		if out, err := inRoot(root, "keys", "init", "-c", "/etc/wharfgate/wharfgate.yaml"); err != nil {
			t.Errorf("keys init in the image: %v\n%s", err, out)
		}
	})
}

// inRoot runs the binary of an unpacked image, as its user and with its files alone.
func inRoot(root string, args ...string) ([]byte, error) {
	cmd := exec.Command("/usr/bin/wharfgate", args...)
	cmd.Dir = "/"
	cmd.Env = []string{"ZONEINFO=/usr/share/zoneinfo.zip"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	return cmd.CombinedOutput()
}

// buildImage calls the project's script and returns the archive.
func buildImage(t *testing.T, binary, archive string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "../../deploy/image/build.sh", binary, archive)
	cmd.Env = append(os.Environ(), "VERSION=test", "REVISION=test", "SOURCE_DATE_EPOCH=1700000000")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build.sh: %v\n%s", err, out)
	}
	return archive
}

// unpackImage unpacks the layers of an archive.
func unpackImage(t *testing.T, archive, root string) {
	t.Helper()
	layers := 0
	eachFile(t, bytes.NewReader(readBytes(t, archive)), func(h *tar.Header, r io.Reader) {
		if h.Typeflag != tar.TypeReg || filepath.Ext(h.Name) != ".tar" {
			return
		}
		layers++
		eachFile(t, r, func(h *tar.Header, r io.Reader) { unpackFile(t, root, h, r) })
	})
	if layers == 0 {
		t.Fatalf("%s holds no layer", archive)
	}
}

func unpackFile(t *testing.T, root string, h *tar.Header, r io.Reader) {
	t.Helper()
	path := filepath.Join(root, filepath.Clean("/"+h.Name))
	mode := os.FileMode(h.Mode).Perm()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if h.Typeflag == tar.TypeDir {
		if err := os.MkdirAll(path, mode); err != nil {
			t.Fatal(err)
		}
	} else {
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, h.Uid, h.Gid); err != nil {
		t.Fatal(err)
	}
}

func eachFile(t *testing.T, r io.Reader, do func(*tar.Header, io.Reader)) {
	t.Helper()
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		do(h, tr)
	}
}

// openParents lets another user pass through the two folders that a test made.
func openParents(t *testing.T, dir string) {
	t.Helper()
	for range 2 {
		dir = filepath.Dir(dir)
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
