#!/usr/bin/env bash
# Runs each fuzz target of the product for a short time; called by `make fuzz`.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t targets < <(grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' cmd pkg | sed 's/:func /:/' | sort)
echo "${#targets[@]} targets, ${FUZZTIME:-10s} each"
for t in "${targets[@]}"; do
	dir=$(dirname "${t%%:*}") name=${t##*:}
	echo "-- $name in $dir"
	go test -run '^$' -fuzz "^${name}\$" -fuzztime "${FUZZTIME:-10s}" "./$dir"
done
