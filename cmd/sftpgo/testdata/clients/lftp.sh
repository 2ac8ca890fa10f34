# run: bash
# needs: lftp
# rename: refuses
# cannot: touch readlink hardlink df copy hash: lftp has no such command for sftp
# cannot: append writeat readat: lftp reads and writes from where a file ends

q() { quoted "$1"; }
run() {
  {
    echo "set cmd:fail-exit yes; set net:max-retries 2; set net:timeout 20; set xfer:clobber yes"
    echo "set sftp:connect-program 'ssh -a -x -oUserKnownHostsFile=$KNOWN_HOSTS -oStrictHostKeyChecking=yes'"
    printf '%s\n' "$@"
  } | lftp --norc -u "$CLIENT_USER,$PASSWORD" "sftp://$HOST:$PORT"
}

verb_put() { run "put $(q "$1") -o $(q "$2")"; }
verb_get() { run "get $(q "$1") -o $(q "$2")"; }
# put and get leave the time alone, mirror keeps it.
verb_putp() { run "mirror -R -f $(q "$1") -O ."; }
verb_getp() { run "mirror -f $(q "$1") -O ."; }
verb_reput() { run "put -c $(q "$1") -o $(q "$2")"; }
verb_reget() { run "get -c $(q "$1") -o $(q "$2")"; }
verb_puttree() { run "mirror -R $(q "$1") $(q "$2")"; }
verb_gettree() { run "mirror $(q "$1") $(q "$2")"; }
verb_list() { run "cd $(q "$1")" "cls -1" | sed 's,[/@]$,,'; }
verb_stat() {
  local line
  line=$(run "cls -l --time-style=%s $(q "$1")") && set -- $line && echo "$5 - -"
}
verb_mkdir() { run "mkdir $(q "$1")"; }
verb_rmdir() { run "rmdir $(q "$1")"; }
verb_rm() { run "rm $(q "$1")"; }
verb_rename() { run "mv $(q "$1") $(q "$2")"; }
verb_chmod() { run "chmod $1 $(q "$2")"; }
verb_symlink() { run "ln -s $(q "$1") $(q "$2")"; }

. "$LIB/verbs.sh"
