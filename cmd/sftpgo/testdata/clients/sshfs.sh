# run: bash
# needs: sshfs fusermount3 /dev/fuse
# rename: replaces
# late: close(2) does not wait for the answer of the server
# What programs do in a mount.

mnt=$TMPDIR/mnt
mkdir "$mnt"
sshfs "$CLIENT_USER@$HOST:/" "$mnt" -p "$PORT" -o "IdentityFile=$KEY,IdentitiesOnly=yes,UserKnownHostsFile=$KNOWN_HOSTS,StrictHostKeyChecking=yes" \
  -o cache=no,attr_timeout=0,entry_timeout=0 </dev/null || exit
trap 'fusermount3 -u "$mnt" || fusermount3 -uz "$mnt"' EXIT

verb_put() { cp -- "$1" "$mnt/$2"; }
verb_get() { cp -- "$mnt/$1" "$2"; }
verb_putp() { cp -p -- "$1" "$mnt/$2"; }
verb_getp() { cp -p -- "$mnt/$1" "$2"; }
verb_reput() { tail -c +"$(($(stat -c %s "$mnt/$2") + 1))" "$1" >>"$mnt/$2"; }
verb_append() { cat "$1" >>"$mnt/$2"; }
verb_reget() { dd status=none bs=1M iflag=skip_bytes skip="$(stat -c %s "$2")" if="$mnt/$1" >>"$2"; }
verb_writeat() { dd status=none bs=64K conv=notrunc oflag=seek_bytes seek="$3" if="$1" of="$mnt/$2"; }
verb_readat() { dd status=none bs=64K iflag=skip_bytes,count_bytes,fullblock skip="$2" count="$3" if="$mnt/$1" of="$4"; }
verb_puttree() { cp -r "$1" "$mnt/$2"; }
verb_gettree() { cp -r "$mnt/$1" "$2"; }
verb_list() { ls -1 "$mnt/$1"; }
verb_stat() { stat -c '%s %a %Y' "$mnt/$1"; }
verb_mkdir() { mkdir "$mnt/$1"; }
verb_rmdir() { rmdir "$mnt/$1"; }
verb_rm() { rm "$mnt/$1"; }
verb_rename() { mv "$mnt/$1" "$mnt/$2"; }
verb_chmod() { chmod "$1" "$mnt/$2"; }
verb_touch() { touch -d "@$1" "$mnt/$2"; }
verb_symlink() { ln -s "$1" "$mnt/$2"; }
verb_readlink() { readlink "$mnt/$1"; }
verb_hardlink() { ln "$mnt/$1" "$mnt/$2"; }
verb_copy() { cp "$mnt/$1" "$mnt/$2"; }
verb_df() { df --output=avail -B1 "$mnt" | tail -n 1 | tr -d ' '; }
verb_hash() { "$1sum" "$mnt/$2" | cut -d ' ' -f 1; }

. "$LIB/verbs.sh"
