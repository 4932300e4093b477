#!/usr/bin/env bash
# A real 389 Directory Server for tests on loopback, without systemd and without dscreate (which needs it):
# its configuration is written from the package's own template, and ns-slapd runs as our process.
#   ds389.sh start|stop|kill|restart|pause|resume|reset|status|env|clean
# memberOf here is computed by the server through nested groups; nsAccountLock and password policy lock accounts.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ADDR=${DS_ADDR:-127.0.0.1}
PORT=${DS_PORT:-14890}                   # ldap here, ldaps one higher
S=${DS_STATE:-$TB_DIR/ds389-$PORT}
B=${DS_BASE:-dc=example,dc=net}
ROOT_PW=${DS_ROOT_PW:-r00t-secret}
USER_PW=${DS_USER_PW:-Passw0rd!}
PLAIN=${DS_PLAIN:-no}                    # yes lets simple binds through without TLS
NUSERS=${DS_USERS:-60}
PIDF=$S/ns-slapd.pid

config() {
  local t=/usr/share/dirsrv/data/template-dse.ldif c=$S/config d
  mkdir -p "$c/schema" "$S"/{db,ldif,bak,lock,log,run,tmp}
  cp /etc/dirsrv/config/{certmap.conf,slapd-collations.conf} "$c/"; cp /etc/dirsrv/schema/99user.ldif "$c/schema/"
  make_ca "$S/tls"; make_cert "$S/tls" ds /CN=localhost "DNS:localhost,DNS:ds.example.net,IP:$ADDR"
  certutil -N -d "$c" --empty-password
  certutil -A -d "$c" -n ca -t CT,, -i "$S/tls/ca.pem"
  openssl pkcs12 -export -name Server-Cert -in "$S/tls/ds.pem" -inkey "$S/tls/ds.key" -out "$S/tls/ds.p12" -passout pass:
  pk12util -i "$S/tls/ds.p12" -d "$c" -K "" -W "" >/dev/null
  d=("s|%schema_dir%|$c/schema|" "s|%cert_dir%|$c|" "s|%config_dir%|$c|" "s|%db_dir%|$S/db|" "s|%db_home_dir%|$S/db|" 's|%db_lib%|bdb|'
    "s|%lock_dir%|$S/lock|" "s|%tmp_dir%|$S/tmp|" "s|%ldif_dir%|$S/ldif|" "s|%bak_dir%|$S/bak|" "s|%run_dir%|$S/run|" "s|%inst_dir%|$S|"
    "s|%log_dir%|$S/log|" 's|%fqdn%|localhost|' "s|%ds_port%|$PORT|" 's|%ds_user%|root|' 's|%rootdn%|cn=Directory Manager|'
    "s|%ds_passwd%|$(pwdhash -s SSHA512 "$ROOT_PW")|" "s|%ds_suffix%|$B|" 's|%ldapi_enabled%|on|' "s|%ldapi%|$S/ldapi|" 's|%ldapi_autobind%|on|')
  local req=on; [[ $PLAIN != yes ]] || req=off
  { sed "${d[@]/#/-e}" "$t" | awk -v extra="nsslapd-listenhost: $ADDR|nsslapd-securelistenhost: $ADDR|nsslapd-security: on|nsslapd-securePort: $((PORT + 1))|nsslapd-require-secure-binds: $req|nsslapd-sizelimit: 500|passwordLockout: on|passwordMaxFailure: 5|passwordUnlock: off|passwordMustChange: on|nsslapd-pwpolicy-local: on|nsslapd-defaultnamingcontext: $B" '
      /^dn: cn=config$/ { print; gsub(/\|/, "\n", extra); print extra; next }
      /^dn: / { m = ($0 ~ /^dn: cn=MemberOf Plugin,/) }
      m && /^nsslapd-pluginenabled:/ { print "nsslapd-pluginenabled: on"; print "memberOfGroupAttr: uniqueMember"; print "memberOfAutoAddOC: nsMemberOf"; next }
      { print }'
    rec 'dn: cn=userroot,cn=ldbm database,cn=plugins,cn=config' 'objectClass: extensibleObject' 'objectClass: nsBackendInstance' \
      'cn: userroot' "nsslapd-suffix: $B" "nsslapd-directory: $S/db/userroot"
    local m=${B//=/\\3D}
    rec "dn: cn=${m//,/\\2C},cn=mapping tree,cn=config" 'objectClass: extensibleObject' 'objectClass: nsMappingTree' "cn: $B" \
      'nsslapd-state: backend' 'nsslapd-backend: userroot'
  } >"$c/dse.ldif"
}

p="ou=people,$B" g="ou=groups,$B"
person() { rec "$(b64 dn "uid=$2,$p")" 'objectClass: inetOrgPerson' "$(b64 uid "$1")" "$(b64 cn "$1")" 'sn: x' "userPassword: $USER_PW" "${@:3}"; }
people_ldif() {
  local u
  rec "dn: $B" 'objectClass: domain' \
    "aci: (targetattr != \"userPassword\")(version 3.0; acl \"services read\"; allow (read,search,compare) userdn = \"ldap:///uid=svc-*,$p\";)"
  for u in people groups; do rec "dn: ou=$u,$B" 'objectClass: organizationalUnit'; done
  for u in svc-bind alice nora carol dana; do person $u $u; done
  person disabled disabled 'nsAccountLock: true'; person mustchange mustchange 'passwordExpirationTime: 19700101000000Z'
  person locked locked 'passwordRetryCount: 5' 'retryCountResetTime: 20380101000000Z' 'accountUnlockTime: 19700101000000Z'
  person jsmith 'Smith\, John (Contractor)'; person zoë 'Zoë Müller 漢字'; person 'back\slash' 'back\\slash'
  awk -v n="$NUSERS" -v p="$p" -v w="$USER_PW" 'BEGIN { for (i = 1; i <= n; i++)
    printf "dn: uid=u%05d,%s\nobjectClass: inetOrgPerson\nuid: u%05d\ncn: User %d\nsn: %d\nuserPassword: %s\n\n", i, p, i, i, i, w }'
}
group() { local c=$1 attr=$2 o=groupOfNames v l=(); shift 2; [[ $attr == member ]] || o=groupOfUniqueNames
  for v; do l+=("$(b64 "$attr" "$v")"); done; rec "$(b64 dn "cn=$c,$g")" "objectClass: $o" "${l[@]}"; }
groups_ldif() {
  local i
  group nest-4 member "uid=alice,$p" "uid=nora,$p"; for i in 3 2 1; do group "nest-$i" member "cn=nest-$((i + 1)),$g"; done
  group deep-30 member "uid=dana,$p"; for ((i = 29; i > 0; i--)); do group "deep-$i" member "cn=deep-$((i + 1)),$g"; done
  group cyc-c member "uid=carol,$p"; group cyc-b member "cn=cyc-c,$g"; group cyc-a member "cn=cyc-b,$g"
  rec "dn: cn=cyc-c,$g" 'changetype: modify' 'add: member' "member: cn=cyc-a,$g" -
  group 'Team (A\, B) \\ Ops' member "uid=alice,$p" "uid=Smith\\, John (Contractor),$p"
  group unique uniqueMember "uid=alice,$p" "uid=nora,$p"
}
root() { local c=$1; shift; "$c" -x -H "ldapi://${S//\//%2F}%2Fldapi" -D 'cn=Directory Manager' -w "$ROOT_PW" "$@"; }
ready() { root ldapsearch -LLL -o nettimeout=5 -b "$B" -s base dn; }
launch() {
  rm -f "$S"/lock/server/* # what a killed server leaves there would keep the next one from starting
  setsid /usr/sbin/ns-slapd -D "$S/config" -i "$S/run/own.pid" -d 0 >>"$S/out.log" 2>&1 </dev/null 9>&- &
  save_pid "$PIDF" $!
  wait_for "$PIDF" 60 ready
}
start() {
  need ns-slapd certutil pk12util ldapmodify openssl flock
  one_at_a_time "$S"; alive "$PIDF" && { say 'already running'; return 0; }
  ! (exec 3<>"/dev/tcp/$ADDR/$PORT") 2>/dev/null || die "something else already listens on $ADDR:$PORT"
  if [[ ! -e $S/.populated ]]; then
    rm -rf "$S"/{config,db,ldif,bak,lock,log,run,tmp,pristine}; config
    people_ldif >"$S/people.ldif"; groups_ldif >"$S/groups.ldif"
    /usr/sbin/ns-slapd ldif2db -D "$S/config" -n userroot -i "$S/people.ldif" >"$S/populate.log" 2>&1 || die "import failed: $S/populate.log"
    launch
    root ldapmodify -a -f "$S/groups.ldif" >>"$S/populate.log" 2>&1 || { tail -3 "$S/populate.log" >&2; die 'adding groups failed'; }
    stop_pid "$PIDF"; mkdir "$S/pristine"; cp -a "$S/config" "$S/db" "$S/pristine/"; touch "$S/.populated"
  fi
  launch; say "ready: ldaps://$ADDR:$((PORT + 1))"
}
environment() { cat <<V
DS_URL=ldaps://$ADDR:$((PORT + 1))
DS_URL_PLAIN=ldap://$ADDR:$PORT
DS_CA=$S/tls/ca.pem
DS_BASE_DN=$B
DS_BIND_DN=uid=svc-bind,$p
DS_USER_PW='$USER_PW'
DS_ROOT_DN='cn=Directory Manager'
DS_ROOT_PW='$ROOT_PW'
DS_LOG=$S/log/access
V
}
case ${1:-} in
  start) start ;;
  stop) one_at_a_time "$S"; stop_pid "$PIDF" 60 ;;
  kill) kill_pid "$PIDF" ;;
  restart) "$0" stop; "$0" start ;;
  pause) pause_all "$PIDF" ;;
  resume) signal_all "$PIDF" CONT ;;
  reset) one_at_a_time "$S"; stop_pid "$PIDF" 60; [[ -d $S/pristine ]] || die 'nothing to restore: start it first'
    rm -rf "$S/config" "$S/db"; cp -a "$S/pristine/." "$S/"; start ;;
  status) if alive "$PIDF"; then say "running pid $(pid_of "$PIDF"), memory $(mem_kb "$PIDF") kB"; else say stopped; exit 3; fi ;;
  env) environment ;;
  clean) one_at_a_time "$S"; stop_pid "$PIDF" 60; rm -rf "$S" ;;
  *) die "usage: $0 start|stop|kill|restart|pause|resume|reset|status|env|clean" ;;
esac
