package deploytest_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const composeFile = "../../deploy/compose/compose.yaml"

// compose is what a test reads of a compose file; an unknown key of a service is an error.
type compose struct {
	Name     string             `yaml:"name"`
	Services map[string]service `yaml:"services"`
	Volumes  map[string]any     `yaml:"volumes"`
}

type service struct {
	Image           string            `yaml:"image"`
	Command         []string          `yaml:"command"`
	Restart         string            `yaml:"restart"`
	ReadOnly        bool              `yaml:"read_only"`
	CapDrop         []string          `yaml:"cap_drop"`
	SecurityOpt     []string          `yaml:"security_opt"`
	StopGracePeriod string            `yaml:"stop_grace_period"`
	DependsOn       []string          `yaml:"depends_on"`
	Ports           []string          `yaml:"ports"`
	Environment     map[string]string `yaml:"environment"`
	Volumes         []string          `yaml:"volumes"`
}

func loadCompose(t *testing.T) compose {
	t.Helper()
	d := yaml.NewDecoder(bytes.NewReader(readBytes(t, composeFile)))
	d.KnownFields(true)
	var c compose
	if err := d.Decode(&c); err != nil {
		t.Fatalf("%s: %v", composeFile, err)
	}
	return c
}

// TestComposeGate: the gate's command is one that the binary knows, and its folders are those of the image.
func TestComposeGate(t *testing.T) {
	t.Parallel()
	gate := loadCompose(t).Services["wharfgate"]
	if len(gate.Command) == 0 {
		t.Fatal("the service wharfgate has no command")
	}
	knows(t, gate.Command)
	want := []string{"./etc:/etc/wharfgate:ro", "wharfgate:/var/lib/wharfgate"}
	if strings.Join(gate.Volumes, " ") != strings.Join(want, " ") {
		t.Errorf("volumes = %q, want %q", gate.Volumes, want)
	}
	if !gate.ReadOnly || strings.Join(gate.CapDrop, " ") != "ALL" {
		t.Errorf("read_only = %v, cap_drop = %v, want a closed container", gate.ReadOnly, gate.CapDrop)
	}
}

// TestComposeRegistry: the registry's settings are what the gate itself prints for the example configuration.
func TestComposeRegistry(t *testing.T) {
	t.Parallel()
	c := loadCompose(t)
	registry := c.Services["registry"]
	dir := t.TempDir()
	config := filepath.Join(dir, "wharfgate.yaml")
	write(t, config, strings.ReplaceAll(read(t, exampleConfig), "/var/lib/wharfgate", filepath.Join(dir, "state")))
	output(t, buildBinary(t), "keys", "init", "-c", config)
	bundle := registry.Environment["REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE"]
	out, err := exec.CommandContext(t.Context(), buildBinary(t), "registry", "-c", config, "--format", "env", "--bundle-path", bundle).Output()
	if err != nil {
		t.Fatalf("wharfgate registry: %v", err)
	}
	lines := regexp.MustCompile(`(?m)^(REGISTRY_[A-Z_]+)=(.*)$`).FindAllStringSubmatch(string(out), -1)
	if len(lines) < 5 {
		t.Fatalf("wharfgate registry prints too little:\n%s", out)
	}
	for _, line := range lines {
		if got := registry.Environment[line[1]]; got != line[2] {
			t.Errorf("%s = %q, the gate prints %q", line[1], got, line[2])
		}
	}
	mounted := make(map[string]bool)
	for _, v := range registry.Volumes {
		mounted[strings.Split(v, ":")[1]] = true
	}
	for _, key := range []string{"REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE", "REGISTRY_HTTP_TLS_CERTIFICATE", "REGISTRY_HTTP_TLS_KEY"} {
		if !mounted[registry.Environment[key]] {
			t.Errorf("%s = %q is not mounted: %q", key, registry.Environment[key], registry.Volumes)
		}
	}
	for _, s := range c.Services {
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if _, ok := c.Volumes[from]; !ok && !strings.HasPrefix(from, "./") {
				t.Errorf("volume %s is not declared", from)
			}
		}
	}
}
