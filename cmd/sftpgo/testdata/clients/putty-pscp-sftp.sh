# run: bash
# needs: pscp
# PuTTY's pscp, told to use sftp.
# cannot: reput reget append writeat readat: pscp moves whole files
# cannot: mode: pscp keeps times only
# cannot: rename mkdir rmdir rm stat chmod touch symlink readlink hardlink copy df hash: pscp moves files only

copy() { pscp -batch -q -sftp -P "$PORT" -pw "$PASSWORD" -hostkey "$FINGERPRINT" "$@"; }
remote() { printf '%s@%s:%s' "$CLIENT_USER" "$HOST" "$1"; }
verb_list() { copy -ls "$(remote "$1")" | sed -n 's/^[-dl][-rwxsStT]\{9\} \+[0-9]\+ \+[^ ]\+ \+[^ ]\+ \+[0-9]\+ \+[^ ]\+ \+[0-9]\+ \+[0-9:]\+ //p' | grep -vxE '\.\.?'; }

verb_put() { copy "$1" "$(remote "$2")"; }
verb_get() { copy "$(remote "$1")" "$2"; }
verb_putp() { copy -p "$1" "$(remote "$2")"; }
verb_getp() { copy -p "$(remote "$1")" "$2"; }
# pscp 0.78 makes a directory that is missing and then takes its name for that of each file.
verb_puttree() { cp -r "$1" "$TMPDIR/$2" && copy -r "$TMPDIR/$2" "$(remote .)"; }
verb_gettree() { copy -r "$(remote "$1")" "$2"; }

. "$LIB/verbs.sh"
