_wharfgate() {
  local cur="${COMP_WORDS[COMP_CWORD]}" typed="" word found
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) typed="${typed:+$typed }$word" ;; esac
  done
  case "$typed" in
    "version"*) found="--help --json" ;;
    "completion"*) found="--help" ;;
    "config schema"*) found="--help" ;;
    "config"*) found="schema --help" ;;
    "keys export"*) found="--help --config" ;;
    "keys init"*) found="--help --config" ;;
    "keys"*) found="init export --help" ;;
    "registry"*) found="--help --config --for --format --service --bundle-path" ;;
    "explain"*) found="--help --config --user --registry --json" ;;
    "login"*) found="--help --config --json" ;;
    "check"*) found="--help --config --online --json" ;;
    "serve"*) found="--help --config" ;;
    *) found="serve check login explain registry keys config completion version --help" ;;
  esac
  COMPREPLY=($(compgen -W "$found" -- "$cur"))
}
complete -o default -F _wharfgate wharfgate
