# run: bash
# needs: scp
# OpenSSH's scp over the SFTP protocol.
# cannot: reput reget append writeat readat: scp moves whole files
# cannot: rename mkdir rmdir rm list stat chmod touch symlink readlink hardlink copy df hash: scp moves files only

copy() {
  scp -q -P "$PORT" -oIdentitiesOnly=yes -oIdentityFile="$KEY" -oIdentityAgent=none \
    -oUserKnownHostsFile="$KNOWN_HOSTS" -oStrictHostKeyChecking=yes -oBatchMode=yes "$@"
}
remote() { printf '%s@%s:%s' "$CLIENT_USER" "$HOST" "$1"; }

verb_put() { copy "$1" "$(remote "$2")"; }
verb_get() { copy "$(remote "$1")" "$2"; }
verb_putp() { copy -p "$1" "$(remote "$2")"; }
verb_getp() { copy -p "$(remote "$1")" "$2"; }
verb_puttree() { copy -r "$1" "$(remote "$2")"; }
verb_gettree() { copy -r "$(remote "$1")" "$2"; }

. "$LIB/verbs.sh"
