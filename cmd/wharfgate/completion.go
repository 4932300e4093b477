package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help gives examples.
func (*completionCmd) Help() string {
	return `Examples:

  source <(wharfgate completion bash)
  wharfgate completion zsh > "${fpath[1]}/_wharfgate"
  wharfgate completion fish > ~/.config/fish/completions/wharfgate.fish`
}

// Run prints the script.
func (c *completionCmd) Run(k *kong.Kong, s streams) error {
	words := completionWords(k.Model.Node)
	switch c.Shell {
	case "bash":
		return bashCompletion(s.out, words)
	case "zsh":
		if _, err := io.WriteString(s.out, "#compdef wharfgate\nautoload -U +X bashcompinit && bashcompinit\n"); err != nil {
			return err
		}
		return bashCompletion(s.out, words)
	default:
		return fishCompletion(s.out, words)
	}
}

// commandWords is what may follow one command: its subcommands and its flags.
type commandWords struct {
	command string // "" for wharfgate itself, else "keys", "keys init"
	words   []string
}

// completionWords walks the command line from the top.
func completionWords(top *kong.Node) []commandWords {
	var all []commandWords
	var walk func(n *kong.Node, path []string)
	walk = func(n *kong.Node, path []string) {
		entry := commandWords{command: strings.Join(path, " ")}
		for _, child := range n.Children {
			if !child.Hidden {
				entry.words = append(entry.words, child.Name)
			}
		}
		for _, flag := range n.Flags {
			if !flag.Hidden {
				entry.words = append(entry.words, "--"+flag.Name)
			}
		}
		if len(path) > 0 {
			entry.words = append(entry.words, "--help")
		}
		all = append(all, entry)
		for _, child := range n.Children {
			walk(child, append(path[:len(path):len(path)], child.Name))
		}
	}
	walk(top, nil)
	return all
}

// bashCompletion writes a script that offers the words of the command typed so far, and files elsewhere.
func bashCompletion(w io.Writer, all []commandWords) error {
	var b strings.Builder
	b.WriteString("_wharfgate() {\n  local cur=\"${COMP_WORDS[COMP_CWORD]}\" path=\"\" word words\n" +
		"  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    case \"$word\" in -*) ;; *) path=\"${path:+$path }$word\" ;; esac\n  done\n" +
		"  case \"$path\" in\n")
	for i := len(all) - 1; i >= 0; i-- { // the longest commands first
		pattern := `"` + all[i].command + `"*`
		if all[i].command == "" {
			pattern = "*"
		}
		fmt.Fprintf(&b, "    %s) words=%q ;;\n", pattern, strings.Join(all[i].words, " "))
	}
	b.WriteString("  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n" +
		"complete -o default -F _wharfgate wharfgate\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// fishCompletion writes one line a word.
func fishCompletion(w io.Writer, all []commandWords) error {
	for _, c := range all {
		condition := "__fish_use_subcommand"
		if c.command != "" {
			condition = "__fish_seen_subcommand_from " + c.command
		}
		for _, word := range c.words {
			arg := "-a " + word
			if flag, ok := strings.CutPrefix(word, "--"); ok {
				arg = "-l " + flag
			}
			if _, err := fmt.Fprintf(w, "complete -c wharfgate -n '%s' %s\n", condition, arg); err != nil {
				return err
			}
		}
	}
	return nil
}
