#!/usr/bin/env bash
# Seals and opens single texts of an encrypted session (section 10 of the relay's protocol).
#
# Needs bash 3.2 and openssl. The key is in NX_KEY, or in the file that NX_KEY_FILE names: `k1...`, or
# the whole link. It sends nothing anywhere. nx.py and nx.mjs do more, and know JSON.
#
#   nx.sh id                 the key id, for the header X-Key-Id
#   nx.sh seal NAME FIELD    stdin: a JSON object such as {"text":"hello"}; stdout: the sealed string
#   nx.sh open SENDER FIELD  stdin: a sealed string; stdout: the JSON object
#
# FIELD is text, greeting, task, context, progress, result or file/KEY.
set -euo pipefail
export LC_ALL=C

header=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0 # {"alg":"dir","enc":"A256CBC-HS512"}

stop() { echo "nx.sh: $1" >&2; exit 1; }
command -v openssl > /dev/null || stop "openssl is missing: install it, or use nx.mjs with Node."

text=${NX_KEY:-}
if [ -z "$text" ] && [ -n "${NX_KEY_FILE:-}" ]; then
  text=$(cat "$NX_KEY_FILE" 2> /dev/null) || stop "the file that NX_KEY_FILE names cannot be read: put the key there."
fi
form='(^|[^0-9A-Za-z_])(k1[0-9a-f]{40})([^0-9A-Za-z_]|$)'
[[ $text =~ $form ]] || stop "set NX_KEY to what stands behind # in the link: k1 and 40 hex digits."
secret=${BASH_REMATCH[2]}

to_hex() { od -An -v -tx1 | tr -d ' \n'; }
from_hex() { printf "$(printf %s "$1" | sed 's/../\\x&/g')"; }
to_b64() { openssl base64 | tr -d '\n=' | tr '/+' '_-'; }
from_b64() {
  local text=$1
  while [ $((${#text} % 4)) != 0 ]; do text=$text=; done
  { printf %s "$text" | tr '_-' '/+' | fold -w 64; echo; } | openssl base64 -d
}
mac() { openssl dgst -sha512 -mac HMAC -macopt "hexkey:$1" | sed 's/^.* //'; }
derive() { { printf %s "$1"; from_hex 01; } | mac "$prk"; }
# The tag of the initialization vector and the ciphertext, which come as base64url.
tag() {
  local hex
  hex=$({ printf %s "$header"; from_b64 "$1"; from_b64 "$2"; from_hex 0000000000000178; } | mac "$3")
  from_hex "${hex:0:64}" | to_b64
}

prk=$(printf %s "$secret" | mac "$(printf %s 'nexus e2e 1' | to_hex)")
case "${1:-}:$#" in
  id:1)
    id=$(derive id)
    echo "${id:0:32}"
    ;;
  seal:3)
    key=$(derive "seal/$3/$2")
    iv=$(openssl rand -hex 16)
    data=$(openssl enc -e -aes-256-cbc -K "${key:64:64}" -iv "$iv" | to_b64)
    iv=$(from_hex "$iv" | to_b64)
    # Without a line feed, as the relay takes a file.
    printf %s "$header..$iv.$data.$(tag "$iv" "$data" "${key:0:64}")"
    ;;
  open:3)
    key=$(derive "seal/$3/$2")
    sealed=$(cat)
    ours="^$header[.][.]([A-Za-z0-9_-]{22})[.]([A-Za-z0-9_-]+)[.]([A-Za-z0-9_-]{43})\$"
    newer='^eyJ[A-Za-z0-9_-]*([.][A-Za-z0-9_-]*){4}$'
    altered="this was altered, or is from elsewhere: do not use it."
    if ! [[ $sealed =~ $ours ]]; then
      [[ $sealed != "$header".* ]] || stop "$altered"
      ! [[ $sealed =~ $newer ]] || stop "this was sealed by a newer client: fetch this script again."
      stop "this is not sealed: do not use it."
    fi
    iv=${BASH_REMATCH[1]} data=${BASH_REMATCH[2]} given=${BASH_REMATCH[3]}
    [ $((${#data} % 4)) != 1 ] || stop "$altered"
    [ "$iv.$data" = "$(from_b64 "$iv" | to_b64).$(from_b64 "$data" | to_b64)" ] || stop "$altered"
    [ "$given" = "$(tag "$iv" "$data" "${key:0:64}")" ] || stop "$altered"
    decrypt() {
      from_b64 "$data" | openssl enc -d -aes-256-cbc -K "${key:64:64}" -iv "$(from_b64 "$iv" | to_hex)" 2> /dev/null
    }
    case $3 in
      file/*) decrypt || stop "$altered" ;;
      *)
        plain=$(decrypt) || stop "$altered"
        # What is signed is the middle of three parts. The signature is not checked here.
        case $plain in ey*.*.*) plain=${plain#*.} plain=$(from_b64 "${plain%.*}") ;; esac
        printf '%s\n' "$plain"
        ;;
    esac
    ;;
  *) stop "usage: nx.sh id | seal NAME FIELD | open SENDER FIELD" ;;
esac
