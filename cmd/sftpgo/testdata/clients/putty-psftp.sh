# run: bash
# needs: psftp
# rename: refuses
# cannot: touch putp getp symlink readlink hardlink copy df hash stat: psftp has no such command
# cannot: append writeat readat: psftp reads and writes from where a file ends

q() { printf '"%s"' "${1//\"/\"\"}"; }
batch() {
  printf '%s\n' "$@" >"$TMPDIR/batch"
  psftp -batch -b "$TMPDIR/batch" -P "$PORT" -l "$CLIENT_USER" -pw "$PASSWORD" -hostkey "$FINGERPRINT" "$HOST" </dev/null
}

verb_put() { batch "put $(q "$1") $(q "$2")"; }
verb_get() { batch "get $(q "$1") $(q "$2")"; }
verb_reput() { batch "reput $(q "$1") $(q "$2")"; }
verb_reget() { batch "reget $(q "$1") $(q "$2")"; }
verb_puttree() { batch "put -r $(q "$1") $(q "$2")"; }
verb_gettree() { batch "get -r $(q "$1") $(q "$2")"; }
verb_list() { batch "ls $(q "$1")" | sed -n 's/^[-dl][-rwxsStT]\{9\} \+[0-9]\+ \+[^ ]\+ \+[^ ]\+ \+[0-9]\+ \+[^ ]\+ \+[0-9]\+ \+[0-9:]\+ //p' | grep -vxE '\.\.?'; }
verb_mkdir() { batch "mkdir $(q "$1")"; }
verb_rmdir() { batch "rmdir $(q "$1")"; }
verb_rm() { batch "del $(q "$1")"; }
verb_rename() { batch "mv $(q "$1") $(q "$2")"; }
verb_chmod() { batch "chmod $1 $(q "$2")"; }

. "$LIB/verbs.sh"
