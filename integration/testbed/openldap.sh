#!/usr/bin/env bash
# Real OpenLDAP servers for tests on loopback: a provider and, with LDAP_REPLICA=yes, a replica that follows it.
#   openldap.sh start [1|2]|stop [1|2]|kill [1|2]|restart|pause [1|2]|resume [1|2]|reset|status|env|clean      (1 provider, 2 replica, none both)
# Two suffixes: $BASE has memberof + refint + ppolicy + syncprov (memberOf holds direct groups only);
# $DYN has dynlist (memberOf computed through nested groups, and a groupOfURLs whose members are a search).
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ADDR=${LDAP_ADDR:-127.0.0.1}
PORT=${LDAP_PORT:-13890}                 # provider: ldap here, ldaps one higher; replica: two and three higher
S=${LDAP_STATE:-$TB_DIR/openldap-$PORT}
BASE=${LDAP_BASE:-dc=example,dc=org}
DYN=${LDAP_DYN_BASE:-dc=dyn,dc=org}
USER_PW=${LDAP_USER_PW:-Passw0rd!}
ROOT_PW=${LDAP_ROOT_PW:-r00t-secret}
REPLICA=${LDAP_REPLICA:-yes}
NUSERS=${LDAP_USERS:-200}                # 10000 for load tests
NBIG=${LDAP_BIG:-2000}                   # members of cn=big
PLAIN=${LDAP_PLAIN:-no}                  # yes lets simple binds through without TLS
UNAUTH=${LDAP_UNAUTH:-yes}               # yes: a DN with an empty password "succeeds", as AD does; no: error 53
CLIENT_CERT=${LDAP_CLIENT_CERT:-try}     # TLSVerifyClient: never | try | demand
LOGLEVEL=${LDAP_LOGLEVEL:-0}             # 256 logs every operation
TELL=${LDAP_TELL_LOCKS:-yes}              # no: a locked account is answered like a wrong password, as slapd does by itself
EXTRA=${LDAP_EXTRA_CONF:-}               # more lines for the global part of slapd.conf

pidf() { echo "$S/slapd$1.pid"; }
port() { echo $((PORT + ($1 - 1) * 2 + ${2:-0})); }
ldapi() { local p=$S/ldapi$1; echo "ldapi://${p//\//%2F}"; }
root() { local n=$1 c=$2; shift 2; "$c" -Q -Y EXTERNAL -H "$(ldapi "$n")" "$@"; }

conf() { # 1|2
  local n=$1 s a
  { # not msuser.schema: its memberOf has no equality rule, which silently disables the memberof overlay
    for s in core cosine nis inetorgperson dyngroup; do echo "include /etc/ldap/schema/$s.schema"; done
    echo 'modulepath /usr/lib/ldap'
    for s in back_mdb memberof refint ppolicy dynlist syncprov; do echo "moduleload $s"; done
    [[ $UNAUTH != yes ]] || echo 'allow bind_anon_dn'
    [[ $PLAIN == yes ]] || echo 'security simple_bind=128'
    a="access to attrs=userPassword by dn.exact=\"cn=replicator,$BASE\" read by anonymous auth by * none
access to * by dn.exact=\"cn=replicator,$BASE\" read by dn.regex=\"^cn=svc-\" read by dn.regex=\"^uid=svc-\" read by self read by * none
rootdn \"cn=root,SUFFIX\"
rootpw $ROOT_PW
maxsize 4294967296
envflags nosync nometasync
index objectClass,member,uniqueMember,memberUid,uid,cn,mail,memberOf,entryUUID,entryCSN eq"
    cat <<C
TLSCACertificateFile $S/tls/ca.pem
TLSCertificateFile $S/tls/slapd.pem
TLSCertificateKeyFile $S/tls/slapd.key
TLSVerifyClient $CLIENT_CERT
authz-regexp "gidNumber=$(id -g).uidNumber=$(id -u),cn=peercred,cn=external,cn=auth" "cn=root,$BASE"
authz-regexp "^cn=([^,]+),ou=clients,o=testbed$" "uid=\$1,ou=people,$BASE"
sizelimit size.soft=500 size.hard=1000
localSSF 256
serverID $n
$EXTRA
database frontend
access to dn.base="" by * read
access to dn.base="cn=subschema" by * read

database mdb
suffix "$BASE"
directory $S/db$n/main
${a//SUFFIX/$BASE}
limits dn.exact="cn=replicator,$BASE" size=unlimited time=unlimited
limits dn.exact="cn=svc-bind,$BASE" size=unlimited
limits dn.exact="cn=svc-paged,$BASE" size.soft=500 size.hard=500 size.pr=250 size.prtotal=unlimited
$([[ $n == 1 ]] || cat <<R
syncrepl rid=1 provider=ldaps://$ADDR:$(port 1 1) tls_cacert=$S/tls/ca.pem bindmethod=simple binddn="cn=replicator,$BASE"
  credentials=$ROOT_PW searchbase="$BASE" type=refreshAndPersist retry="1 +" keepalive=5:3:2
updateref ldaps://$ADDR:$(port 1 1)
R
)
overlay memberof
memberof-group-oc groupOfNames
memberof-member-ad member
memberof-refint TRUE
overlay refint
refint_attributes member uniqueMember
overlay ppolicy
ppolicy_default "cn=default,ou=policies,$BASE"
$([[ $TELL != yes ]] || echo ppolicy_use_lockout)
ppolicy_hash_cleartext
overlay syncprov

database mdb
suffix "$DYN"
directory $S/db$n/dyn
${a//SUFFIX/$DYN}
overlay dynlist
dynlist-attrset groupOfURLs memberURL member+memberOf@groupOfNames*
C
  } >"$S/slapd$n.conf"
}

person() { # base, uid, cn as written in a DN, extra lines
  local b=$1 u=$2 c=$3; shift 3
  rec "$(b64 dn "uid=$c,ou=people,$b")" 'objectClass: inetOrgPerson' "$(b64 uid "$u")" "$(b64 cn "$u")" 'sn: x' "userPassword: $HASH" "$@"
}
people_ldif() { # base: loaded offline by slapadd, which is fast and accepts the state attributes of ppolicy
  local b=$1 u p="pwdPolicySubentry: cn=aged,ou=policies,$1"
  rec "dn: $b" 'objectClass: dcObject' 'objectClass: organization' 'o: Testbed'
  for u in people groups policies; do rec "dn: ou=$u,$b" 'objectClass: organizationalUnit'; done
  for u in svc-bind svc-paged svc-limited; do rec "dn: cn=$u,$b" 'objectClass: person' 'sn: x' "userPassword: $HASH"; done
  rec "dn: cn=replicator,$b" 'objectClass: person' 'sn: x' "userPassword: $ROOT_PW"
  local pol=('objectClass: person' 'objectClass: pwdPolicy' 'sn: x' 'pwdAttribute: userPassword' 'pwdLockout: TRUE' 'pwdMustChange: TRUE')
  rec "dn: cn=default,ou=policies,$b" "${pol[@]}" 'pwdMaxFailure: 5' 'pwdLockoutDuration: 0'
  rec "dn: cn=aged,ou=policies,$b" "${pol[@]}" 'pwdMaxAge: 86400' 'pwdMaxFailure: 5'
  rec "dn: cn=grace,ou=policies,$b" "${pol[@]}" 'pwdMaxAge: 86400' 'pwdGraceAuthNLimit: 1000'
  rec "dn: cn=warn,ou=policies,$b" "${pol[@]}" 'pwdMaxAge: 2000000000' 'pwdExpireWarning: 1999999999'
  for u in alice nora carol dana svc-cert posix1 "o'brien"; do person "$b" "$u" "$u" "mail: ${u//\'/}@example.org"; done
  person "$b" jsmith 'Smith\, John (Contractor)'; person "$b" 'john smith' 'john smith'; person "$b" zoë 'Zoë Müller 漢字'
  person "$b" 'back\slash' 'back\\slash'; person "$b" '#a+b=c;<d>"e"*f/g&h' '\#a\+b\=c\;\<d\>\"e\"*f/g&h'
  if [[ $b == "$BASE" ]]; then
    person "$b" locked locked 'pwdAccountLockedTime: 000001010000Z'
    person "$b" mustchange mustchange 'pwdReset: TRUE'
    person "$b" expired expired "$p" 'pwdChangedTime: 20200101000000Z'
    person "$b" grace grace "${p/aged/grace}" 'pwdChangedTime: 20200101000000Z'
    person "$b" warn warn "${p/aged/warn}" 'pwdChangedTime: 20200101000000Z'
  fi
  awk -v n="$((NUSERS > NBIG ? NUSERS : NBIG))" -v live="$NUSERS" -v b="$b" -v h="$HASH" 'BEGIN { for (i = 1; i <= n; i++)
    printf "dn: uid=u%05d,ou=people,%s\nobjectClass: inetOrgPerson\nuid: u%05d\ncn: User %d\nsn: %d\nmail: u%05d@example.org\n%s\n", i, b, i, i, i, i, (i <= live ? "userPassword: " h "\n" : "") }'
}
group() { # base, cn as written in a DN, class, attribute, values
  local b=$1 c=$2 o=$3 a=$4 v l=(); shift 4; for v; do l+=("$(b64 "$a" "$v")"); done
  rec "$(b64 dn "cn=$c,ou=groups,$b")" "objectClass: $o" "${l[@]}"
}
groups_ldif() { # base: added online, so that the memberof overlay sees it
  local b=$1 i p="ou=people,$1" g="ou=groups,$1" n=groupOfNames
  group "$b" nest-4 $n member "uid=alice,$p" "uid=nora,$p"
  for i in 3 2 1; do group "$b" "nest-$i" $n member "cn=nest-$((i + 1)),$g"; done
  group "$b" deep-30 $n member "uid=dana,$p"; for ((i = 29; i > 0; i--)); do group "$b" "deep-$i" $n member "cn=deep-$((i + 1)),$g"; done
  group "$b" cyc-c $n member "uid=carol,$p"; group "$b" cyc-b $n member "cn=cyc-c,$g"; group "$b" cyc-a $n member "cn=cyc-b,$g"
  rec "dn: cn=cyc-c,$g" 'changetype: modify' 'add: member' "member: cn=cyc-a,$g" -
  group "$b" 'Team (A\, B) \\ Ops' $n member "uid=alice,$p" "uid=Smith\\, John (Contractor),$p"
  group "$b" 'Büro Köln' $n member "uid=Zoë Müller 漢字,$p"
  group "$b" unique groupOfUniqueNames uniqueMember "uid=alice,$p" "uid=nora,$p"
  rec "dn: cn=posix,$g" 'objectClass: posixGroup' 'gidNumber: 5000' 'memberUid: posix1' 'memberUid: alice'
  rec "dn: cn=dynamic,$g" 'objectClass: groupOfURLs' "memberURL: ldap:///$p??one?(uid=u0000*)"
  printf 'dn: cn=big,%s\nobjectClass: groupOfNames\n' "$g"; for ((i = 1; i <= NBIG; i++)); do printf 'member: uid=u%05d,%s\n' "$i" "$p"; done; echo
}

populate() {
  local b
  mkdir -p "$S"/db{1,2}/{main,dyn}; HASH=$(slappasswd -h '{SSHA}' -s "$USER_PW")
  make_ca "$S/tls"; make_cert "$S/tls" slapd /CN=localhost "DNS:localhost,DNS:ldap.example.org,IP:$ADDR"
  make_cert "$S/tls" client /O=Testbed/OU=clients/CN=svc-cert client
  conf 1
  for b in "$BASE" "$DYN"; do
    people_ldif "$b" | slapadd -q -f "$S/slapd1.conf" -b "$b" >"$S/populate.log" 2>&1 || { tail -3 "$S/populate.log" >&2; die 'slapadd failed'; }
  done
  launch 1
  groups_ldif "$BASE" >"$S/groups.ldif"; groups_ldif "$DYN" >"$S/dyn.ldif"
  root 1 ldapmodify -a -f "$S/groups.ldif" >"$S/populate.log" 2>&1 || { tail -3 "$S/populate.log" >&2; die 'adding groups failed'; }
  ldapmodify -x -a -H "$(ldapi 1)" -D "cn=root,$DYN" -w "$ROOT_PW" -f "$S/dyn.ldif" >"$S/populate.log" 2>&1 || die 'adding dynamic groups failed'
  stop_pid "$(pidf 1)"
  cp -a "$S/db1/." "$S/db2/"          # the replica starts as a copy, change sequence numbers and all
  cp -a "$S/db1" "$S/pristine"; touch "$S/.populated"
}
ready() { root "$1" ldapsearch -LLL -o nettimeout=5 -b "$BASE" -s base dn; }
launch() { # 1|2
  local f; f=$(pidf "$1"); alive "$f" && return 0
  ! (exec 3<>"/dev/tcp/$ADDR/$(port "$1")") 2>/dev/null || die "something else already listens on $ADDR:$(port "$1")"
  conf "$1"
  setsid /usr/sbin/slapd -d "$LOGLEVEL" -n "slapd$1" -f "$S/slapd$1.conf" \
    -h "ldap://$ADDR:$(port "$1") ldaps://$ADDR:$(port "$1" 1) $(ldapi "$1")" >>"$S/slapd$1.log" 2>&1 </dev/null 9>&- &
  save_pid "$f" $!
  wait_for "$f" 30 ready "$1"
}
which_ones() { if [[ -n ${1:-} ]]; then echo "$1"; elif [[ $REPLICA == yes ]]; then echo 1 2; else echo 1; fi; }
start() {
  need slapadd ldapmodify openssl flock
  local n; one_at_a_time "$S"
  [[ -e $S/.populated ]] || { for n in 1 2; do stop_pid "$(pidf $n)"; done; rm -rf "$S"/{db1,db2,pristine}; populate; }
  for n in $(which_ones "${1:-}"); do launch "$n"; say "ready: ldaps://$ADDR:$(port "$n" 1)"; done
}
stop() { one_at_a_time "$S"; local n; for n in ${1:-2 1}; do stop_pid "$(pidf "$n")"; done; }
environment() { cat <<V
LDAP_URL=ldaps://$ADDR:$(port 1 1)
LDAP_URL_PLAIN=ldap://$ADDR:$(port 1)
LDAP_URL2=ldaps://$ADDR:$(port 2 1)
LDAP_URL2_PLAIN=ldap://$ADDR:$(port 2)
LDAP_CA=$S/tls/ca.pem
LDAP_CLIENT_PEM=$S/tls/client.pem
LDAP_CLIENT_KEY=$S/tls/client.key
LDAP_BASE_DN=$BASE
LDAP_DYN_BASE_DN=$DYN
LDAP_BIND_DN=cn=svc-bind,$BASE
LDAP_USER_PW='$USER_PW'
LDAP_ROOT_DN=cn=root,$BASE
LDAP_ROOT_PW='$ROOT_PW'
V
}
case ${1:-} in
  start) start "${2:-}" ;;
  stop) stop "${2:-}" ;;
  kill) for n in ${2:-2 1}; do kill_pid "$(pidf "$n")"; done ;;
  restart) "$0" stop; "$0" start ;;
  pause) for n in ${2:-1 2}; do pause_all "$(pidf "$n")"; done ;;
  resume) for n in ${2:-1 2}; do signal_all "$(pidf "$n")" CONT; done ;;
  reset) stop; [[ -d $S/pristine ]] || die 'nothing to restore: start it first'
    for n in 1 2; do rm -rf "$S/db$n"; cp -a "$S/pristine" "$S/db$n"; done; start ;;
  status) up=3; for n in 1 2; do if alive "$(pidf $n)"; then up=0; say "slapd$n running pid $(pid_of "$(pidf $n)"), memory $(mem_kb "$(pidf $n)") kB"
    else say "slapd$n stopped"; fi; done; exit $up ;;
  env) environment ;;
  clean) stop; rm -rf "$S" ;;
  *) die "usage: $0 start [1|2]|stop [1|2]|kill [1|2]|restart|pause [1|2]|resume [1|2]|reset|status|env|clean" ;;
esac
