#!/usr/bin/env bash
# Everything that must hold, in one run: formatting, lint, tests under the race detector, and the tests on real
# directories, registries and clients. Called by `make test`.
#
# It runs every step even if an earlier one failed, and ends with what failed and what was skipped.
# With CI=true a skip is a failure, but the one of a Docker engine that a machine does not let start.
set -euo pipefail
cd "$(dirname "$0")/.."

skips="$PWD/bin/skipped.txt"
may_skip="the Docker engine does not start here"
failed=()
mkdir -p bin
: >"$skips"

say() { printf '\n== %s\n' "$*"; }

# step NAME COMMAND... runs one step, says how long it took, and remembers a failure.
step() {
	local name=$1 start=$SECONDS
	shift
	say "$name"
	if "$@"; then
		echo "-- $name: ok, $((SECONDS - start)) s"
	else
		echo "-- $name: FAILED, $((SECONDS - start)) s"
		failed+=("$name")
	fi
}

formatted() {
	local files
	files=$(gofmt -l cmd pkg integration tools)
	if [[ -n $files ]]; then
		printf 'gofmt would change:\n%s\n' "$files"
		return 1
	fi
}

# lint runs the linter over the three modules. Its first build takes some minutes and is cached by Go.
lint() {
	local dir status=0
	echo "building golangci-lint (some minutes the first time)"
	go -C tools build -o ../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint || return 1
	for dir in . integration tools; do
		echo "golangci-lint in $dir"
		(cd "$dir" && "$OLDPWD/bin/golangci-lint" run --allow-parallel-runners ./...) || status=1
	done
	return "$status"
}

# unit runs the tests of the product. The race detector needs a C compiler.
unit() {
	if command -v gcc >/dev/null || command -v clang >/dev/null; then
		CGO_ENABLED=1 bin/gotest -skips "$skips" -race -timeout 10m ./...
		return
	fi
	echo "race detector: no C compiler here" >>"$skips"
	[[ ${CI:-} != true ]] && bin/gotest -skips "$skips" -timeout 10m ./...
}

case ${1:-all} in
lint)
	lint
	exit
	;;
all) ;;
*)
	echo "usage: tools/test.sh [lint]" >&2
	exit 2
	;;
esac

step "real parts: install what is missing" bash integration/install.sh
step "build" go -C tools build -o ../bin/gotest ./gotest
step "gofmt" formatted
step "lint" lint
step "tests of the tools" bin/gotest -C tools -skips "$skips" ./gotest/...
step "tests of the product, under the race detector" unit
# -count=1: these tests depend on programs and files that Go's cache of test results does not see.
step "tests on real directories, registries and clients" \
	bin/gotest -C integration -skips "$skips" -may-skip "$may_skip" -count=1 -timeout 15m ./...

say "summary, after $SECONDS s"
if [[ -s $skips ]]; then
	echo "skipped:"
	sed 's/^/  /' "$skips"
else
	echo "nothing was skipped"
fi
if ((${#failed[@]})); then
	printf 'FAILED: %s\n' "${failed[@]}"
	exit 1
fi
if [[ ${CI:-} == true ]] && grep -vqF "$may_skip" "$skips"; then
	echo "FAILED: with CI=true a skip is a failure"
	exit 1
fi
echo "PASS"
