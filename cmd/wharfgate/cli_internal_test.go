package main

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// commandPaths lists every command.
func commandPaths(t *testing.T) [][]string {
	t.Helper()
	var c cli
	k, err := newParser(t.Context(), &c, streams{}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	var paths [][]string
	var walk func(n *kong.Node, path []string)
	walk = func(n *kong.Node, path []string) {
		paths = append(paths, path)
		for _, child := range n.Children {
			walk(child, append(slices.Clip(path), child.Name))
		}
	}
	walk(k.Model.Node, nil)
	return paths
}

func TestHelpHasExamples(t *testing.T) {
	t.Parallel()
	for _, path := range commandPaths(t) {
		name := strings.Join(append([]string{"wharfgate"}, path...), " ")
		got := call(t, "", append(path, "--help")...)
		got.want(t, exitOK, "Usage: "+name)
		if got.err != "" {
			t.Errorf("%s --help writes to standard error: %s", name, got.err)
		}
		if group := strings.Contains(got.out, "\nCommands:\n"); !group && !regexp.MustCompile(`(?m)^    .*\b`+name+` `).MatchString(got.out) &&
			!strings.Contains(got.out, "    "+name+"\n") {
			t.Errorf("%s --help has no example:\n%s", name, got.out)
		}
		for line := range strings.Lines(got.out) {
			if strings.HasPrefix(line, "    wharfgate ") {
				parses(t, line)
			}
		}
	}
}

// parses checks that an example is a command line that exists.
func parses(t *testing.T, line string) {
	t.Helper()
	line, _, _ = strings.Cut(line, " > ")
	line, _, _ = strings.Cut(line, " < ")
	var c cli
	k, err := newParser(t.Context(), &c, streams{}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse(strings.Fields(line)[1:]); err != nil {
		t.Errorf("example %q: %v", line, err)
	}
}

func TestNoArgumentsIsHelp(t *testing.T) {
	t.Parallel()
	call(t, "").want(t, exitOK, "Usage: wharfgate <command>", "serve", "completion")
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"serv":                             `did you mean "serve"?`,
		"check --onlin":                    `did you mean "--online"?`,
		"check":                            "missing flags: --config=FILE",
		"keys":                             `expected one of "init", "list", "rotate", "export"`,
		"keys make":                        `Try "wharfgate keys --help".`,
		"login -c x":                       `expected "<user>"`,
		"explain -c x pul a":               `must be one of "pull","push","delete","catalog"`,
		"explain -c x":                     "name an action and a repository",
		"explain -c x --repo a pull b":     "--repo lists everybody and takes no action",
		"explain -c x --repo a --user eve": "--repo lists everybody and takes no --user",
		"registry -c x --for harbor":       `--for must be one of "configured","distribution","distribution2","distribution3.0","distribution3","zot" but got "harbor"`,
		"registry -c x --format toml":      `--format must be one of "yaml","env","compose","kubernetes","bundle"`,
		"completion tcsh":                  `must be one of "bash","zsh","fish"`,
		"version --jsn":                    `did you mean "--json"?`,
		"login -c x alice password":        "unexpected argument password",
		"config schema -c wharfgate.yaml":  "unknown flag -c",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			got := call(t, "", strings.Fields(line)...)
			got.want(t, exitUsage, want, "wharfgate: ", `Try "wharfgate `)
			if got.out != "" {
				t.Errorf("a usage error writes to standard output: %s", got.out)
			}
		})
	}
}

func TestFileFaults(t *testing.T) {
	t.Parallel()
	bad := newSite(t)
	bad.write(t, "wharfgate.yaml", "lisen: x\n")
	for _, command := range []string{"serve", "login", "explain", "registry", "keys init", "keys export"} {
		args := strings.Fields(command)
		rest := map[string][]string{"login": {"alice"}, "explain": {"pull", "a"}}[command]
		call(t, "", append(append(args, "-c", "/nowhere/w.yaml"), rest...)...).want(t, exitFaults, "/nowhere/w.yaml: cannot be opened")
		call(t, "", append(append(args, "-c", bad.config), rest...)...).want(t, exitFaults, "wharfgate.yaml:1:1: lisen: ", "did you mean")
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	call(t, "", "version").want(t, exitOK, "wharfgate ", "go1.")
	var v struct{ Version, Revision, Go string }
	got := call(t, "", "version", "--json")
	if err := json.Unmarshal([]byte(got.out), &v); err != nil || v.Version == "" || v.Revision == "" || v.Go == "" {
		t.Errorf("version --json = %s (%v)", got.out, err)
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			got := call(t, "", "completion", shell)
			got.want(t, exitOK)
			for _, path := range commandPaths(t) {
				for _, word := range path {
					if !strings.Contains(got.out, word) {
						t.Errorf("the script does not know %q", word)
					}
				}
			}
			if strings.Contains(got.out, "%!") {
				t.Errorf("a word is missing in the script:\n%s", got.out)
			}
			if shell == "fish" {
				return
			}
			syntax(t, shell, got.out)
		})
	}
}

// syntax lets a shell read a script, if there is that shell.
func syntax(t *testing.T, shell, script string) {
	t.Helper()
	if _, err := exec.LookPath(shell); err != nil {
		return
	}
	cmd := exec.CommandContext(t.Context(), shell, "-n")
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s -n: %v\n%s", shell, err, out)
	}
}

// TestBashCompletes lets bash complete some words.
func TestBashCompletes(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	script := call(t, "", "completion", "bash").out
	for line, want := range map[string]string{
		"wharfgate ch":                   "check",
		"wharfgate keys ":                "init list rotate export",
		"wharfgate keys --":              "--help",
		"wharfgate completion ":          "bash zsh fish",
		"wharfgate policy import z":      "zot",
		"wharfgate check -c ":            "", // a file
		"wharfgate login -":              "--help --config --directory --json",
		"wharfgate keys init --c":        "--config",
		"wharfgate check -c a.yaml --on": "--online",
		"wharfgate check -c a":           "",
	} {
		words := strings.Split(line, " ")
		var quoted []string
		for _, w := range words {
			quoted = append(quoted, "'"+w+"'")
		}
		cmd := exec.CommandContext(t.Context(), bash, "-c", script+"\nCOMP_WORDS=("+strings.Join(quoted, " ")+
			"); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _wharfgate; echo \"${COMPREPLY[*]}\"")
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%q completes to %q (%v), want %q", line, got, err, want)
		}
	}
}
