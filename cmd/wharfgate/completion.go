package main

import (
	"fmt"
	"io"
	"slices"
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
	all := completionWords(k.Model.Node)
	script := fishCompletion(all)
	switch c.Shell {
	case "bash":
		script = fmt.Sprintf(bashCompletion, cases(all))
	case "zsh":
		script = fmt.Sprintf(zshCompletion, cases(all))
	}
	_, err := io.WriteString(s.out, script)
	return err
}

// commandWords is what may follow one command: its subcommands and its flags.
type commandWords struct {
	path     []string // none for wharfgate itself, else keys, or keys init
	commands []completionWord
	values   []string // of an argument that takes a few words only
	flags    []completionWord
}

// completionWord is one word with its help; letter is the short form of a flag that has one.
type completionWord struct{ word, letter, help string }

// completionWords walks the command line from the top.
func completionWords(top *kong.Node) []commandWords {
	var all []commandWords
	var walk func(n *kong.Node, path []string)
	walk = func(n *kong.Node, path []string) {
		entry := commandWords{path: path, flags: []completionWord{{"help", "h", "Show help."}}}
		for _, child := range n.Children {
			entry.commands = append(entry.commands, completionWord{word: child.Name, help: child.Help})
		}
		for _, argument := range n.Positional {
			if argument.Enum != "" {
				entry.values = append(entry.values, strings.Split(argument.Enum, ",")...)
			}
		}
		for _, flag := range n.Flags {
			if flag.Name == "help" {
				continue
			}
			word := completionWord{word: flag.Name, help: flag.Help}
			if flag.Short != 0 {
				word.letter = string(flag.Short)
			}
			entry.flags = append(entry.flags, word)
		}
		all = append(all, entry)
		for _, child := range n.Children {
			walk(child, append(slices.Clip(path), child.Name))
		}
	}
	walk(top, nil)
	return all
}

// cases gives the branches of a case statement over the commands typed so far, the longest first.
func cases(all []commandWords) string {
	var b strings.Builder
	for _, c := range slices.Backward(all) {
		pattern := "*"
		if len(c.path) > 0 {
			pattern = `"` + strings.Join(c.path, " ") + `"*`
		}
		var words []string
		for _, w := range c.commands {
			words = append(words, w.word)
		}
		words = append(words, c.values...)
		var flags []string
		for _, w := range c.flags {
			flags = append(flags, "--"+w.word)
		}
		fmt.Fprintf(&b, "    %s) found=%q; flags=%q ;;\n", pattern, strings.Join(words, " "), strings.Join(flags, " "))
	}
	return b.String()
}

// bashCompletion offers the words of the command typed so far, its flags behind a dash, and files elsewhere.
const bashCompletion = `_wharfgate() {
  local cur="${COMP_WORDS[COMP_CWORD]}" typed="" word found flags
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) typed="${typed:+$typed }$word" ;; esac
  done
  case "$typed" in
%s  esac
  case "$cur" in -*) found="$flags" ;; esac
  COMPREPLY=($(compgen -W "$found" -- "$cur"))
}
complete -o default -F _wharfgate wharfgate
`

// zshCompletion does the same; it may be sourced, or stand in a folder of fpath.
const zshCompletion = `#compdef wharfgate
_wharfgate() {
  local typed="" word found flags
  for word in "${(@)words[2,CURRENT-1]}"; do
    case "$word" in -*) ;; *) typed="${typed:+$typed }$word" ;; esac
  done
  case "$typed" in
%s  esac
  case "$words[CURRENT]" in -*) found="$flags" ;; esac
  compadd -- ${=found}
  _files
}
if [ "$funcstack[1]" = "_wharfgate" ]; then
  _wharfgate "$@"
else
  compdef _wharfgate wharfgate
fi
`

// fishCompletion writes a line a word.
func fishCompletion(all []commandWords) string {
	var b strings.Builder
	for _, c := range all {
		condition := "__fish_use_subcommand"
		if len(c.path) > 0 {
			condition = "__fish_seen_subcommand_from " + strings.Join(c.path, "; and __fish_seen_subcommand_from ")
		}
		for _, w := range c.commands {
			fmt.Fprintf(&b, "complete -c wharfgate -n '%s' -a %s -d %s\n", condition, w.word, fishQuoted(w.help))
		}
		if len(c.values) > 0 {
			fmt.Fprintf(&b, "complete -c wharfgate -n '%s' -a %s\n", condition, fishQuoted(strings.Join(c.values, " ")))
		}
		for _, w := range c.flags {
			letter := ""
			if w.letter != "" {
				letter = " -s " + w.letter
			}
			fmt.Fprintf(&b, "complete -c wharfgate -n '%s' -l %s%s -d %s\n", condition, w.word, letter, fishQuoted(w.help))
		}
	}
	return b.String()
}

// fishQuoted quotes a text for fish.
func fishQuoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
