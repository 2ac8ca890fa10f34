# run: bash
# needs: sftp
# rename: replaces
# cannot: readlink touch: sftp has no such command
# cannot: append writeat readat: sftp reads and writes from where a file ends
# cannot: hash: sftp has no such command

batch() {
  printf '%s\n' "$@" | sftp -q -b - -P "$PORT" -oIdentitiesOnly=yes -oIdentityFile="$KEY" -oIdentityAgent=none \
    -oUserKnownHostsFile="$KNOWN_HOSTS" -oStrictHostKeyChecking=yes "$CLIENT_USER@$HOST" | sed '/^sftp> /d'
  [ "${PIPESTATUS[1]}" = 0 ]
}
q() { quoted "$1"; }

verb_put() { batch "put $(q "$1") $(q "$2")"; }
verb_get() { batch "get $(q "$1") $(q "$2")"; }
verb_putp() { batch "put -p $(q "$1") $(q "$2")"; }
verb_getp() { batch "get -p $(q "$1") $(q "$2")"; }
verb_reput() { batch "reput $(q "$1") $(q "$2")"; }
verb_reget() { batch "reget $(q "$1") $(q "$2")"; }
verb_puttree() { batch "mkdir $(q "$2")" "cd $(q "$2")" "lcd $(q "$1")" "put -r . ."; }
verb_gettree() { mkdir "$2" && batch "lcd $(q "$2")" "cd $(q "$1")" "get -r . ."; }
verb_list() { batch "cd $(q "$1")" "ls -1"; }
verb_stat() {
  local line
  line=$(batch "ls -ln $(q "$1")") && set -- $line && echo "$5 $(octal "$1") -"
}
verb_mkdir() { batch "mkdir $(q "$1")"; }
verb_rmdir() { batch "rmdir $(q "$1")"; }
verb_rm() { batch "rm $(q "$1")"; }
verb_rename() { batch "rename $(q "$1") $(q "$2")"; }
verb_chmod() { batch "chmod $1 $(q "$2")"; }
verb_symlink() { batch "ln -s $(q "$1") $(q "$2")"; }
verb_hardlink() { batch "ln $(q "$1") $(q "$2")"; }
verb_copy() { batch "cp $(q "$1") $(q "$2")"; }
verb_df() { batch "df" | awk 'NR == 2 { print $3 }'; }

. "$LIB/verbs.sh"
