#!/usr/bin/env bash
# A real Active Directory domain (Samba AD DC) for tests, on one loopback address, with its own state directory.
#   samba-ad.sh start|stop|kill|restart|pause|resume|reset|status|env|clean|local
# start provisions and populates on first use; reset restores the freshly populated data; env prints shell variables;
# pause freezes the server with its ports open, as a hung host would; local writes LDIF from standard input past the
# rules of the server. Root alone can provision.
# Samba cannot move LDAP off ports 389/636/3268/3269, so choose an address instead of ports (any 127.x.y.z).
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ADDR=${SAMBA_ADDR:-127.0.0.10}
S=${SAMBA_STATE:-$TB_DIR/samba-$ADDR}
SAVED=${SAMBA_SAVED:-}               # where populated data is kept for other servers of this script; empty keeps none
REALM=${SAMBA_REALM:-CORP.EXAMPLE}
NETBIOS=${SAMBA_NETBIOS:-CORP}
HOST=${SAMBA_HOST:-dc1}
SID=${SAMBA_SID:-S-1-5-21-1111111111-2222222222-3333333333}  # fixed, so that every run (and a twin on another address) has the same SIDs
ADMIN_PW=${SAMBA_ADMIN_PW:-Adm1n-Passw0rd}
USER_PW=${SAMBA_USER_PW:-Passw0rd!}
STRONG=${SAMBA_STRONG_AUTH:-yes}     # yes | allow_sasl_over_tls | no (no lets cleartext simple binds through)
MODEL=${SAMBA_MODEL:-prefork}        # prefork | single | standard
LOCKOUT=${SAMBA_LOCKOUT:-5}          # wrong passwords until lockout, 0 is never
NUSERS=${SAMBA_USERS:-60} NFILL=${SAMBA_FILL:-200} DEPTH=${SAMBA_DEPTH:-30}
# SAMBA_CERT and SAMBA_KEY are another certificate; with SAMBA_OWN_CERT=yes Samba makes one itself
EXTRA=${SAMBA_EXTRA_CONF:-}          # more lines for smb.conf's [global]

DOM=${REALM,,}; B="DC=${DOM//./,DC=}"
T="OU=Test,$B" P="OU=People,OU=Test,$B" G="OU=Groups,OU=Test,$B"
PIDF=$S/samba.pid

conf() { cat >"$S/smb.conf" <<C
[global]
netbios name = ${HOST^^}
realm = $REALM
workgroup = $NETBIOS
server role = active directory domain controller
server services = ldap, cldap, kdc, dns
dcerpc endpoint servers =
dns forwarder =
allow dns updates = nonsecure
interfaces = $ADDR/8
bind interfaces only = yes
private dir = $S/private
state directory = $S/state
cache directory = $S/cache
lock directory = $S/lock
pid directory = $S/run
binddns dir = $S/binddns
ncalrpc dir = $S/run/ncalrpc
winbindd socket directory = $S/run/winbindd
ntp signd socket directory = $S/run/ntp
log file = $S/samba.log
idmap_ldb:use rfc2307 = yes
ldap server require strong auth = $STRONG
tls enabled = yes
$([[ ${SAMBA_OWN_CERT:-no} == yes ]] || printf 'tls %s\n' "cafile = $S/tls/ca.pem" "certfile = ${SAMBA_CERT:-$S/tls/dc.pem}" "keyfile = ${SAMBA_KEY:-$S/tls/dc.key}")
prefork children = 2
$EXTRA
[sysvol]
path = $S/state/sysvol
[netlogon]
path = $S/state/sysvol/$DOM/scripts
C
}

user() { # sam, CN as written in a DN, extra lines; no UPN unless given
  local s=$1 c=$2; shift 2
  rec "$(b64 dn "CN=$c,$P")" 'objectClass: user' "$(b64 sAMAccountName "$s")" "unicodePwd:: $PW64" "$@"
}
u() { user "$1" "$2" "userPrincipalName: $1@$DOM" "mail: $1@$DOM" 'userAccountControl: 512' "${@:3}"; }
named() { user "$1" "$2" "$(b64 userPrincipalName "$1@$DOM")" 'userAccountControl: 512'; } # for a name beyond ASCII
group() { # name as written in a DN, groupType, sam, member DNs
  local n=$1 t=$2 s=$3 m l=(); shift 3; for m; do l+=("$(b64 member "$m")"); done
  rec "$(b64 dn "CN=$n,$G")" 'objectClass: group' "groupType: $t" "$(b64 sAMAccountName "$s")" "${l[@]}"
}
people() { local p; for p; do printf 'CN=%s,%s\n' "$p" "$P"; done; }
chain() { # name, length, who is in the last one
  local i; group "$1-$2" "$gl" "$1-$2" "$(people "$3")"
  for ((i = $2 - 1; i > 0; i--)); do group "$1-$i" "$gl" "$1-$i" "CN=$1-$((i + 1)),$G"; done
}

ldif() {
  local i n gl=-2147483646 dl=-2147483644 un=-2147483640
  PW64=$(printf '"%s"' "$USER_PW" | iconv -t UTF-16LE | base64 -w0)
  # policy: no history, no minimum age, no complexity, a real lockout threshold
  rec "dn: $B" 'changetype: modify' 'replace: lockoutThreshold' "lockoutThreshold: $LOCKOUT" - \
    'replace: pwdHistoryLength' 'pwdHistoryLength: 0' - 'replace: minPwdAge' 'minPwdAge: 0' - 'replace: pwdProperties' 'pwdProperties: 0' -
  for n in "$T" "$P" "$G"; do rec "dn: $n" 'objectClass: organizationalUnit'; done
  for ((i = 1; i <= NUSERS; i++)); do printf -v n 'u%04d' "$i"
    printf 'dn: CN=%s,%s\nobjectClass: user\nsAMAccountName: %s\nuserPrincipalName: %s@%s\nuserAccountControl: 512\nunicodePwd:: %s\n\n' \
      "$n" "$P" "$n" "$n" "$DOM" "$PW64"; done
  for ((i = 1; i <= NFILL; i++)); do printf 'dn: CN=f%04d,%s\nobjectClass: user\nsAMAccountName: f%04d\nuserAccountControl: 546\n\n' "$i" "$P" "$i"; done
  for n in svc-bind alice nora carol dana wanda prim; do u "$n" "$n"; done
  u disabled disabled | sed 's/^userAccountControl: 512/userAccountControl: 514/'
  u expired expired 'accountExpires: 132000000000000000'
  u mustchange mustchange 'pwdLastSet: 0'
  u pwexpired pwexpired                                        # aged after it exists, in provision
  u nohours nohours 'logonHours:: AAAAAAAAAAAAAAAAAAAAAAAAAAAA'
  u nostation nostation 'userWorkstations: ELSEWHERE'
  u locked locked                                              # locked by wrong binds when new data is started
  user bob bob "userPrincipalName: robert@$DOM" 'userAccountControl: 512'
  user mallory mallory 'userPrincipalName: bob@other.example' 'userAccountControl: 512'   # bob's name under another suffix (a true duplicate is refused)
  user upndiff upndiff 'userPrincipalName: First.Last@other.example' 'userAccountControl: 512'
  user noupn noupn 'userAccountControl: 512'
  u jsmith 'Smith\, John (Contractor)'; u 'john smith' 'john  smith'; u "o'brien" "O'Brien"; u 'jo(se)' 'Jo (Se)'
  u backslash 'back\\slash'; u specials '\#a\+b\=c\;\<d\>\"e\"*f/g&h'; u edges '\ edges\ '
  named 'zoë' 'Zoë Müller 漢字'; named 'émile' 'Émile'
  # not people: a computer with a password, and a contact with a mail address
  rec "dn: CN=ws1,$P" 'objectClass: computer' 'sAMAccountName: ws1$' 'userAccountControl: 4096' "unicodePwd:: $PW64" "mail: ws1@$DOM"
  rec "dn: CN=vendor,$P" 'objectClass: contact' "mail: vendor@$DOM"
  # scopes: dl-registry > un-eng > gl-devs > alice, bob; dist-news is a distribution group (never in tokenGroups)
  group gl-devs "$gl" gl-devs "$(people alice)" "$(people bob)" "$(people prim)"
  group un-eng "$un" un-eng "CN=gl-devs,$G"; group dl-registry "$dl" dl-registry "CN=un-eng,$G"
  group dist-news 2 dist-news "$(people alice)"
  group nest-4 "$gl" nest-4 "$(people alice)" "$(people nora)"
  for i in 3 2 1; do group "nest-$i" "$gl" "nest-$i" "CN=nest-$((i + 1)),$G"; done
  chain cyc 10 carol # a ring: the last one has the first one for a member
  rec "dn: CN=cyc-10,$G" 'changetype: modify' 'add: member' "member: CN=cyc-1,$G" -
  chain deep "$DEPTH" dana
  for ((i = 1; i <= 50; i++)); do chain "wide$i" 6 wanda; done # 300 groups
  group 'Team (A\, B) \\ Ops' "$gl" 'Team A B Ops' "$(people alice)" "$(people 'Smith\, John (Contractor)')"
  group 'Büro Köln' "$gl" 'Büro Köln' "$(people 'Zoë Müller 漢字')"
  printf 'dn: CN=big,%s\nobjectClass: group\nsAMAccountName: big\n' "$G"
  for ((i = 1; i <= NFILL; i++)); do printf 'member: CN=f%04d,%s\n' "$i" "$P"; done; echo
}

db() { local c=$1; shift; "$c" --configfile="$S/smb.conf" -H "$S/private/sam.ldb" "$@"; }
# The control lets an entry hold what the server itself would refuse or set, such as a password's age.
local_write() { db ldbmodify --controls=local_oid:1.3.6.1.4.1.7165.4.3.20:0 "$@"; }

provision() {
  mkdir -p "$S"/{private,state,cache,lock,run}; chmod 755 "$S/run"
  conf
  say "provisioning $REALM"
  samba-tool domain provision -s "$S/smb.conf" -q --use-rfc2307 --realm="$REALM" --domain="$NETBIOS" --host-name="$HOST" \
    --host-ip="$ADDR" --domain-sid="$SID" --adminpass="$ADMIN_PW" --server-role=dc --dns-backend=SAMBA_INTERNAL >"$S/provision.log" 2>&1 ||
    { cat "$S/provision.log" >&2; die 'provisioning failed'; }
  say 'populating'
  local sid
  ldif >"$S/data.ldif"
  db ldbmodify "$S/data.ldif" >"$S/populate.log" 2>&1 || { tail -5 "$S/populate.log" >&2; die 'populating failed'; }
  sid=$(db ldbsearch -b "CN=gl-devs,$G" -s base objectSid 2>/dev/null | sed -n 's/^objectSid: //p')
  # pwdLastSet in 2019; the principal name is for GSSAPI binds
  { rec "dn: CN=prim,$P" 'changetype: modify' 'replace: primaryGroupID' "primaryGroupID: ${sid##*-}" -
    rec "dn: CN=pwexpired,$P" 'changetype: modify' 'replace: pwdLastSet' 'pwdLastSet: 132000000000000000' -
    rec "dn: CN=${HOST^^},OU=Domain Controllers,$B" 'changetype: modify' 'add: servicePrincipalName' \
      "servicePrincipalName: ldap/$HOST.$DOM" -; } >"$S/late.ldif"
  local_write "$S/late.ldif" >>"$S/populate.log" 2>&1 || die 'the late changes failed'
  launch
  stop_pid "$PIDF"
}

# readdress writes this server's address into the DNS records of restored data (MS-DNSP 2.3.2.2).
readdress() {
  local a n record; IFS=. read -ra a <<<"$ADDR"
  record=$(printf '\4\0\1\0\5\360\0\0\1\0\0\0\0\0\3\204\0\0\0\0\0\0\0\0%b%b%b%b' "$(octet "${a[0]}")" "$(octet "${a[1]}")" "$(octet "${a[2]}")" "$(octet "${a[3]}")" | base64 -w0)
  for n in "DC=$HOST,DC=$DOM,CN=MicrosoftDNS,DC=DomainDnsZones,$B" "DC=gc,DC=_msdcs.$DOM,CN=MicrosoftDNS,DC=ForestDnsZones,$B"; do
    rec "dn: $n" 'changetype: modify' 'replace: dnsRecord' "dnsRecord:: $record" -
  done >"$S/dns.ldif"
  db ldbmodify "$S/dns.ldif" >>"$S/populate.log" 2>&1 || die 'the DNS records failed'
}
octet() { printf '\\0%03o' "$1"; }

populate() { # from what another server saved, or afresh
  rm -rf "$S"/{private,state,cache,lock,run,binddns,pristine}
  if [[ -n $SAVED ]]; then
    mkdir -p "$(dirname "$SAVED")"; exec 8>"$SAVED.lock"; flock -w 300 8 || die "another run holds $SAVED"
  fi
  if [[ -n $SAVED && -e $SAVED/.populated ]]; then
    mkdir -p "$S"/{cache,lock,run}; chmod 755 "$S/run"
    cp -a "$SAVED/private" "$SAVED/state" "$S/"; conf; readdress
  else
    provision
    [[ -z $SAVED ]] || { rm -rf "$SAVED"; mkdir "$SAVED"; cp -a "$S/private" "$S/state" "$SAVED/"; touch "$SAVED/.populated"; }
  fi
  [[ -z $SAVED ]] || exec 8>&-
  touch "$S/.populated"
}

bind_as() { # user, password (Samba 4.17 has no Who Am I operation, so read the domain's own entry)
  LDAPTLS_REQCERT=never ldapsearch -x -LLL -o nettimeout=10 -H "ldaps://$ADDR" -D "$1@$DOM" -w "$2" -b "$B" -s base dn; }
ready() { bind_as svc-bind "$USER_PW"; }
launch() {
  conf
  setsid samba -F --no-process-group -M "$MODEL" -s "$S/smb.conf" --debug-stdout >>"$S/samba.log" 2>&1 </dev/null 9>&- 8>&- &
  save_pid "$PIDF" $!
  wait_for "$PIDF" 60 ready
}
start() {
  need samba samba-tool ldbmodify ldapsearch openssl iconv flock
  [[ $(id -u) == 0 ]] || die 'Samba needs root: for ports below 1024, and for the owners of files'
  one_at_a_time "$S"; alive "$PIDF" && { say 'already running'; return 0; }
  ! (exec 3<>"/dev/tcp/$ADDR/389") 2>/dev/null || die "something else already listens on $ADDR:389"
  make_ca "$S/tls"; make_cert "$S/tls" dc "/CN=$HOST.$DOM" "DNS:$HOST.$DOM,DNS:$DOM,DNS:localhost,IP:$ADDR"
  local new=; [[ -e $S/.populated ]] || { populate; new=yes; }
  launch; [[ -z $new ]] || lock; say "ready: ldaps://$ADDR"
}
lock() { # by wrong passwords, and anew in restored data: a lock ends after half an hour
  local i; for ((i = 0; i < LOCKOUT; i++)); do bind_as locked wrong >/dev/null 2>&1 || true; done; }
reset() {
  one_at_a_time "$S"; stop_pid "$PIDF"; rm -f "$S/.populated"
}
environment() { cat <<V
AD_URL=ldaps://$ADDR
AD_URL_PLAIN=ldap://$ADDR
AD_GC_URL=ldaps://$ADDR:3269
AD_DNS=$ADDR:53
AD_CA=$S/tls/ca.pem
AD_CA_KEY=$S/tls/ca.key
AD_DOMAIN=$DOM
AD_NETBIOS=$NETBIOS
AD_HOST=$HOST.$DOM
AD_SID=$SID
AD_BASE=$B
AD_PEOPLE=$P
AD_GROUPS=$G
AD_BIND_DN=CN=svc-bind,$P
AD_USER_PW='$USER_PW'
AD_ADMIN_DN=CN=Administrator,CN=Users,$B
AD_ADMIN_PW='$ADMIN_PW'
AD_LOG=$S/samba.log
V
}
case ${1:-} in
  start) start ;;
  stop) one_at_a_time "$S"; stop_pid "$PIDF" ;;
  kill) kill_pid "$PIDF" ;;
  restart) "$0" stop; "$0" start ;;
  pause) pause_all "$PIDF" ;;
  resume) signal_all "$PIDF" CONT ;;
  reset) reset; exec 9>&-; "$0" start ;;
  local) local_write ;;
  status) if alive "$PIDF"; then say "running pid $(pid_of "$PIDF"), memory $(mem_kb "$PIDF") kB"; else say stopped; exit 3; fi ;;
  env) environment ;;
  clean) one_at_a_time "$S"; stop_pid "$PIDF"; rm -rf "$S" ;;
  *) die "usage: $0 start|stop|kill|restart|pause|resume|reset|status|env|clean|local" ;;
esac
