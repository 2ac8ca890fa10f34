# run: bash
# needs: rclone
# rename: replaces
# cannot: reput reget append writeat: rclone moves whole files
# cannot: chmod symlink readlink hardlink: rclone knows no modes and links
# cannot: mode: rclone keeps times only

export RCLONE_CONFIG=/dev/null RCLONE_CONFIG_R_TYPE=sftp RCLONE_CONFIG_R_HOST=$HOST RCLONE_CONFIG_R_PORT=$PORT \
  RCLONE_CONFIG_R_USER=$CLIENT_USER RCLONE_CONFIG_R_KNOWN_HOSTS_FILE=$KNOWN_HOSTS \
  RCLONE_CONFIG_R_SHELL_TYPE=unix RCLONE_CONFIG_R_MD5SUM_COMMAND=md5sum RCLONE_CONFIG_R_SHA1SUM_COMMAND=sha1sum
RCLONE_CONFIG_R_PASS=$(rclone obscure "$PASSWORD")
export RCLONE_CONFIG_R_PASS

run() { rclone --retries 1 --low-level-retries 1 --contimeout 20s "$@"; }

verb_put() { run copyto --ignore-times "$1" "r:$2"; }
verb_get() { run copyto --ignore-times "r:$1" "$2"; }
verb_putp() { verb_put "$@"; }
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
verb_rename() { run moveto --ignore-times "r:$1" "r:$2"; }
verb_touch() { run touch --no-create -t "$(date -u -d "@$1" +%Y-%m-%dT%H:%M:%S)" "r:$2"; }
verb_df() { run about --json r: | tr -d ' \t\n' | sed -n 's/.*"free":\([0-9]*\).*/\1/p'; }
verb_hash() { run hashsum "$1" "r:$2" | cut -d ' ' -f 1; }
verb_copy() { run copyto "r:$1" "r:$2"; }

. "$LIB/verbs.sh"
