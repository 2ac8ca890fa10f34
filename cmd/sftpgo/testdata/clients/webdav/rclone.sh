# run: bash
# needs: rclone
# rename: replaces
# cannot: reput reget append writeat: rclone moves whole files
# cannot: touch putp: rclone sends times to ownCloud and Nextcloud only
# cannot: mode: rclone knows no modes
# cannot: etag putif putnew lock unlock propset propget: rclone has no such command

export RCLONE_CONFIG=/dev/null RCLONE_CONFIG_R_TYPE=webdav RCLONE_CONFIG_R_URL=http://$HOST:$PORT/ \
  RCLONE_CONFIG_R_VENDOR=other RCLONE_CONFIG_R_USER=$CLIENT_USER
RCLONE_CONFIG_R_PASS=$(rclone obscure "$PASSWORD")
export RCLONE_CONFIG_R_PASS

run() { rclone --retries 1 --low-level-retries 1 --contimeout 20s "$@"; }

verb_put() { run copyto --ignore-times "$1" "r:$2"; }
verb_putstream() { run rcat --streaming-upload-cutoff 0 "r:$2" <"$1"; }
verb_get() { run copyto --ignore-times "r:$1" "$2"; }
verb_getp() { verb_get "$@"; }
verb_readat() { run cat --offset "$2" --count "$3" "r:$1" >"$4"; }
verb_puttree() { run copy --create-empty-src-dirs "$1" "r:$2"; }
verb_gettree() { run copy --create-empty-src-dirs "r:$1" "$2"; }
verb_list() { run lsf "r:$1" | sed 's,/$,,'; }
verb_stat() {
  local size time
  read -r size time <<<"$(run lsjson --no-mimetype --stat "r:$1" | tr -d ' \t\n' | sed -n 's/.*"Size":\([0-9]*\).*"ModTime":"\([^"]*\)".*/\1 \2/p')"
  echo "$size - $(date -d "$time" +%s)"
}
verb_mkdir() { run mkdir "r:$1"; }
verb_rmdir() { run rmdir "r:$1"; }
verb_rm() { run deletefile "r:$1"; }
verb_rmtree() { run purge "r:$1"; }
verb_rename() { run moveto --ignore-times "r:$1" "r:$2"; }
verb_copy() { run copyto "r:$1" "r:$2"; }
verb_copytree() { run copy --create-empty-src-dirs "r:$1" "r:$2"; }
verb_df() { run about --json r: | tr -d ' \t\n' | sed -n 's/.*"free":\([0-9]*\).*/\1/p'; }

. "$LIB/verbs.sh"
