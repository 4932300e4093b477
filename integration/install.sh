#!/usr/bin/env bash
# Installs what the integration tests run on: real directories, registries, clients. On Debian, as root, through
# apt; elsewhere it only names what is missing, and the tests that need it are skipped. Fast when all is there.
set -euo pipefail

say() { printf 'integration: %s\n' "$*" >&2; }

# Each line: a command that must be there, and the Debian package that brings it.
wanted() {
  cat <<'W'
slapd slapd
ldapmodify ldap-utils
samba samba-ad-dc
ldbmodify ldb-tools
ns-slapd 389-ds-base
certutil libnss3-tools
docker-registry docker-registry
skopeo skopeo
buildah buildah
podman podman
containerd containerd
ctr containerd
prometheus prometheus
promtool prometheus
wrk wrk
gcc gcc
openssl openssl
pgrep procps
flock util-linux
ip iproute2
iptables iptables
shellcheck shellcheck
systemd-analyze systemd
W
  echo docker "$(docker_package)"
}

docker_package() { # later releases have the command line in a package of its own
  if has apt-cache && apt-cache show docker-cli >/dev/null 2>&1; then echo docker-cli; else echo docker.io; fi
}

has() { # daemons live in /usr/sbin, which is not in everybody's PATH
  PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command -v "$1" >/dev/null
}

missing_packages() {
  local command package
  while read -r command package; do has "$command" || echo "$package"; done < <(wanted) | sort -u
  [[ -e /usr/share/samba/setup/provision.ldif ]] || echo samba-ad-provision
  if has gcc && ! echo '#include <stdlib.h>' | gcc -E - >/dev/null 2>&1; then echo libc6-dev; fi
  if has apt-get && [[ ! -s /etc/ssl/certs/ca-certificates.crt ]]; then echo ca-certificates; fi
  if has ldconfig && ! ldconfig -p | grep -q 'libdevmapper[.]so[.]1[.]02'; then echo libdevmapper1.02.1; fi # for dockerd
}

# The Docker engine is unpacked and not installed: the package would start a daemon with a bridge and rules of its own.
engine="$(cd "$(dirname "$0")/.." && pwd)/bin/integration/docker"
unpack_engine() {
  [[ ! -x $engine/usr/sbin/dockerd ]] || return 0
  if ! has apt-get || ! has dpkg; then
    say "no Docker engine: it comes as a package of Debian"
    return 0
  fi
  local work
  work=$(mktemp -d)
  chmod 755 "$work"
  if ! (cd "$work" && apt-get -qq download docker.io >/dev/null 2>&1); then
    [[ $(id -u) != 0 ]] || apt-get -o DPkg::Lock::Timeout=900 -qq update
    (cd "$work" && apt-get -qq download docker.io) || { rm -rf "$work"; say "no Docker engine: its package cannot be had"; return 0; }
  fi
  mkdir -p "$(dirname "$engine")"
  dpkg -x "$work"/docker.io_*.deb "$work/engine"
  rm -rf "$engine" && mv "$work/engine" "$engine"
  rm -rf "$work"
}

guard='' # a policy-rc.d of ours, which keeps packages from starting their daemons
release() { [[ -z $guard ]] || rm -f "$guard"; }
trap release EXIT
hold_services() {
  [[ ! -e /usr/sbin/policy-rc.d ]] || return 0
  guard=/usr/sbin/policy-rc.d
  printf '#!/bin/sh\nexit 101\n' >"$guard"
  chmod 755 "$guard"
}

install_packages() {
  local apt=(apt-get -o DPkg::Lock::Timeout=900 -qq)
  export DEBIAN_FRONTEND=noninteractive
  hold_services
  "${apt[@]}" install -y --no-install-recommends "$@" >/dev/null 2>&1 && return 0
  "${apt[@]}" update # the lists may be old or absent
  "${apt[@]}" install -y --no-install-recommends "$@" >/dev/null
}

unpack_engine
mapfile -t missing < <(missing_packages)
((${#missing[@]})) || exit 0
if ! has apt-get || [[ $(id -u) != 0 ]]; then
  say "missing, in the names of Debian: ${missing[*]}"
  say "tests that need them are skipped; as root on Debian this script installs them"
  exit 0
fi
if ! has gcc; then missing+=(libc6-dev); fi
say "installing through apt: ${missing[*]}"
install_packages "${missing[@]}"
mapfile -t missing < <(missing_packages)
((${#missing[@]} == 0)) || { say "still missing after the installation: ${missing[*]}"; exit 1; }
