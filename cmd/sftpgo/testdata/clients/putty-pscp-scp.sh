# run: bash
# needs: pscp
# PuTTY's pscp, told to use scp.
# cannot: reput reget append writeat readat: pscp moves whole files
# cannot: mode: pscp keeps times only
# cannot: list: without SFTP, pscp runs the ls of a shell
# cannot: rename mkdir rmdir rm stat chmod touch symlink readlink hardlink copy df hash: pscp moves files only

copy() { pscp -batch -q -scp -P "$PORT" -pw "$PASSWORD" -hostkey "$FINGERPRINT" "$@"; }
# The server reads the name as a shell would.
remote() { printf '%s@%s:%q' "$CLIENT_USER" "$HOST" "$1"; }

verb_put() { copy "$1" "$(remote "$2")"; }
verb_get() { copy "$(remote "$1")" "$2"; }
verb_putp() { copy -p "$1" "$(remote "$2")"; }
verb_getp() { copy -p "$(remote "$1")" "$2"; }
verb_puttree() { copy -r "$1" "$(remote "$2")"; }
verb_gettree() { copy -r "$(remote "$1")" "$2"; }

. "$LIB/verbs.sh"
