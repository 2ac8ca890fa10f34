# run: bash
# needs: curl
# rename: refuses
# cannot: getp: curl -R shows times of FTP and HTTP only
# cannot: putp puttree gettree readlink hardlink copy hash: curl has no such command for sftp
# cannot: writeat: curl writes from where a file ends

# encoded makes a path of a URL.
encoded() {
  local s=$1 out= i c LC_ALL=C
  for ((i = 0; i < ${#s}; i++)); do
    c=${s:i:1}
    case $c in
    [a-zA-Z0-9._/-]) out+=$c ;;
    *) out+=$(printf '%%%02X' "'$c" | sed 's/F\{14\}//;s/%.*\(..\)$/%\1/') ;;
    esac
  done
  printf 'sftp://%s:%s/%s' "$HOST" "$PORT" "$out"
}
run() { curl -sS -k -u "$CLIENT_USER:$PASSWORD" "$@"; }
q() { quoted "/$1"; }

verb_put() { run -T "$1" "$(encoded "$2")"; }
verb_get() { run -o "$2" "$(encoded "$1")"; }
verb_reput() { run -C - -T "$1" "$(encoded "$2")"; }
verb_append() { run -a -T "$1" "$(encoded "$2")"; }
verb_reget() { run -C - -o "$2" "$(encoded "$1")"; }
verb_readat() { run -r "$2-$(($2 + $3 - 1))" -o "$4" "$(encoded "$1")"; }
verb_list() { run -l "$(encoded "$1/")" | grep -vxE '\.\.?'; }
verb_stat() {
  local line
  line=$(run "$(encoded "")" | grep -F " $1") && set -- $line && echo "$5 $(octal "$1") -"
}
command_() { run -o /dev/null -Q "$1" "$(encoded "")"; }
verb_mkdir() { command_ "mkdir $(q "$1")"; }
verb_rmdir() { command_ "rmdir $(q "$1")"; }
verb_rm() { command_ "rm $(q "$1")"; }
verb_rename() { command_ "rename $(q "$1") $(q "$2")"; }
verb_chmod() { command_ "chmod $1 $(q "$2")"; }
verb_touch() { command_ "mtime \"$(date -u -d "@$1" '+%Y%m%d %T')\" $(q "$2")"; }
verb_symlink() { command_ "ln $(quoted "$1") $(q "$2")"; }
verb_df() { run -o /dev/null -D - -Q "statvfs /" "$(encoded "")" | awk '/f_frsize/ { size = $2 } /f_bavail/ { printf "%.0f\n", size * $2 }'; }

. "$LIB/verbs.sh"
