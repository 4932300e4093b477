#!/usr/bin/env bash
# Builds the container image from a static binary and writes it as an archive for `docker load`, `podman load`
# and `skopeo copy`. The same binary gives the same image. Needs buildah; pulls nothing.
#
#	deploy/image/build.sh BINARY ARCHIVE
#
# VERSION and REVISION go into the labels; SOURCE_DATE_EPOCH dates the files (the commit's time if absent).
set -euo pipefail
if (($# != 2)); then
	echo "usage: deploy/image/build.sh BINARY ARCHIVE" >&2
	exit 2
fi
binary=$(realpath "$1") archive=$(realpath -m "$2")
cd "$(dirname "$0")"

version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo devel)}
revision=${REVISION:-$(git rev-parse HEAD 2>/dev/null || echo unknown)}
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
zones="$(go env GOROOT)/lib/time/zoneinfo.zip"
bundle=${CA_BUNDLE:-/etc/ssl/certs/ca-certificates.crt}

if readelf -l "$binary" 2>/dev/null | grep -q INTERP; then
	echo "$binary is not static; make build makes one that is" >&2
	exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
context="$work/context"
install -d -m 0755 "$context/root/etc/wharfgate" "$context/root/var/lib" "$context/state"
install -d -m 0700 "$context/state/wharfgate"
install -D -m 0755 "$binary" "$context/root/usr/bin/wharfgate"
install -D -m 0644 "$bundle" "$context/root/etc/ssl/certs/ca-certificates.crt"
install -D -m 0644 "$zones" "$context/root/usr/share/zoneinfo.zip"
install -D -m 0644 ../../LICENSE "$context/root/usr/share/doc/wharfgate/LICENSE"
printf 'root:x:0:0:root:/:/\nwharfgate:x:65532:65532:wharfgate:/var/lib/wharfgate:/\n' >"$context/root/etc/passwd"
printf 'root:x:0:\nwharfgate:x:65532:\n' >"$context/root/etc/group"

# A store of its own, so that nothing of the machine's images is read or changed.
image() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }

echo "building the image of version $version"
image bud --quiet --isolation chroot --timestamp "$epoch" \
	--build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
	--file Containerfile --tag "wharfgate:$version" "$context" >/dev/null
mkdir -p "$(dirname "$archive")"
rm -f "$archive"
image push --quiet "wharfgate:$version" "docker-archive:$archive:wharfgate:$version"
echo "wrote $archive (wharfgate:$version)"
