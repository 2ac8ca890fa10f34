# run: bash
# needs: cadaver
# rename: replaces
# cannot: reput append writeat reget readat: cadaver moves whole files
# cannot: puttree gettree: cadaver moves files
# cannot: rmdir: rmcol removes what is below, too
# cannot: outer-spaces: ls does not show them
# cannot: touch putp getp etag putif putnew putstream df: cadaver has no such command

printf 'machine %s login %s password %s\n' "$HOST" "$CLIENT_USER" "$PASSWORD" >"$HOME/.netrc"
chmod 600 "$HOME/.netrc"

# run gives cadaver one command, whose words are the arguments; its exit status
# tells nothing.
run() {
  local said word line=$1
  shift
  for word; do line+=" $(quoted "$word")"; done
  said=$(printf '%s\n' "$line" quit | cadaver "http://$HOST:$PORT/" 2>&1)
  printf '%s\n' "$said" | sed 's/^dav:[^>]*> //'
  ! grep -qiE 'failed|error|could not|cannot|not found|does not|conflict|refused|can only' <<<"$said"
}
quietly() { run "$@" >"$TMPDIR/said" || { cat "$TMPDIR/said" >&2; false; }; }

verb_put() { quietly put "$@"; }
verb_get() { quietly get "$@"; }
verb_list() { run ls "$1" | sed -nE 's/^(Coll:  |       |[* ]{6} )? *(.*[^ ]) +[0-9]+  [A-Z][a-z]{2} +[0-9]+ +[0-9:]+$/\2/p'; }
verb_stat() {
  local props
  props=$(run propget "$1") &&
    echo "$(sed -n 's/^DAV: getcontentlength = //p' <<<"$props") - $(date -d "$(sed -n 's/^DAV: getlastmodified = //p' <<<"$props")" +%s)"
}
verb_mkdir() { quietly mkcol "$1"; }
verb_rm() { quietly delete "$1"; }
verb_rmtree() { quietly rmcol "$1"; }
verb_rename() { quietly move "$@"; }
verb_copy() { quietly copy "$@"; }
verb_copytree() { quietly copy "$@"; }
verb_lock() { quietly lock "$1" && run discover "$1" | sed -n 's/.*Lock token <\(.*\)>.*/\1/p'; }
verb_unlock() {
  printf '%s\n' "steal $(quoted "$1")" "unlock $(quoted "$1")" quit | cadaver "http://$HOST:$PORT/" >"$TMPDIR/said" 2>&1
  grep -q 'Unlocking.*succeeded' "$TMPDIR/said"
}
verb_propset() { quietly propset "$@"; }
verb_propget() { run propget "$@" | sed -n "s/^Value of $2 is: //p"; }

. "$LIB/verbs.sh"
