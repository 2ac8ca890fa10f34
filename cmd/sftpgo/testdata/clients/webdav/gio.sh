# run: dbus-run-session -- bash
# needs: gio /usr/libexec/gvfsd-dav
# rename: replaces
# cannot: reput reget append writeat readat: gio moves whole files
# cannot: puttree gettree rmtree copytree: gio has no such command
# cannot: touch putp mode: gvfs sets no times over WebDAV
# cannot: lock unlock propset propget: gio has no such command
# What GNOME Files does, by the same daemon.

export XDG_RUNTIME_DIR=$TMPDIR GIO_USE_VOLUME_MONITOR=unix
. "$LIB/url.sh"
url() { printf 'dav://%s@%s:%s/%s' "$CLIENT_USER" "$HOST" "$PORT" "$(escaped "$1")"; }
gio mount "$(url "")" <<<"$PASSWORD" >&2 || exit
trap 'gio mount -u "$(url "")" </dev/null >&2' EXIT
attribute() { gio info -a "$2" "$(url "$1")" | sed -n "s/^ *$2: //p"; }

verb_put() { gio copy -T "$1" "$(url "$2")"; }
verb_putstream() { gio save "$(url "$2")" <"$1"; }
verb_putif() { gio save -e "$3" "$(url "$2")" <"$1"; }
verb_putnew() { gio save -c "$(url "$2")" <"$1"; }
verb_get() { gio copy -T "$(url "$1")" "$2"; }
verb_getp() { gio copy -T -p "$(url "$1")" "$2"; }
verb_etag() { attribute "$1" etag::value; }
verb_list() { gio list -h "$(url "$1")"; }
verb_stat() { echo "$(attribute "$1" standard::size) - $(attribute "$1" time::modified)"; }
verb_mkdir() { gio mkdir "$(url "$1")"; }
verb_rmdir() { gio remove "$(url "$1")"; }
verb_rm() { gio remove "$(url "$1")"; }
verb_rename() { gio move -T "$(url "$1")" "$(url "$2")"; }
verb_copy() { gio copy -T "$(url "$1")" "$(url "$2")"; }
verb_df() { gio info -f -a filesystem::free "$(url "")" | sed -n 's/^ *filesystem::free: //p'; }

. "$LIB/verbs.sh"
