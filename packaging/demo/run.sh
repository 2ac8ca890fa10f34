#!/usr/bin/env bash
# Serves ./data/home on loopback: SFTP and SCP 2022, FTP 2121, WebDAV 10080, tus
# 1080. Adds the user "demo" and prints each event that its hook, hook.sh, is told of.
set -euo pipefail
cd "$(dirname "$0")/../.."
data=$PWD/data
mkdir -p "$data/home"

export SFTPGO_CONFIG_DIR=$data SFTPGO_CONFIG_FILE=$PWD/sftpgo.json
export SFTPGO_DATA_PROVIDER__USERS_BASE_DIR=$data/home
export SFTPGO_SFTPD__BINDINGS__0__ADDRESS=127.0.0.1
export SFTPGO_SFTPD__HOST_KEYS=$data/id_ed25519 # the RSA key of the defaults takes seconds to make
export SFTPGO_FTPD__BINDINGS__0__ADDRESS=127.0.0.1 SFTPGO_FTPD__BINDINGS__0__PORT=2121
export SFTPGO_WEBDAVD__BINDINGS__0__ADDRESS=127.0.0.1 SFTPGO_WEBDAVD__BINDINGS__0__PORT=10080
export SFTPGO_TUS__BINDINGS__0__ADDRESS=127.0.0.1 SFTPGO_TUS__BINDINGS__0__PORT=1080
export SFTPGO_COMMON__ACTIONS__EXECUTE_ON=upload,download,delete,rename
export SFTPGO_COMMON__ACTIONS__HOOK=$PWD/packaging/demo/hook.sh
export DEMO_EVENTS=$data/events.log

if ! ./sftpgo user show demo >/dev/null 2>&1; then
  added=$(./sftpgo user add demo --generate-password)
  (umask 077 && echo "${added##* }" > "$data/password")
fi
echo "user demo, password $(cat "$data/password"), files in data/home/demo, log in data/sftpgo.log"

touch "$DEMO_EVENTS"
tail -n 0 -F "$DEMO_EVENTS" &
events=$!
./sftpgo serve &
server=$!
stop() {
  kill "$server" 2>/dev/null || true # it may have ended by itself
  wait "$server" || status=$?
  kill "$events"
  exit "${status:-0}"
}
# A terminal that is closed sends SIGHUP, which the server alone takes for
# "reload".
trap stop INT TERM HUP
wait "$server" || status=$?
stop
