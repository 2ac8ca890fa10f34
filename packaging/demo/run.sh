#!/usr/bin/env bash
# Serves ./data on loopback: SFTP 2022, FTP 2121, WebDAV 10080. Makes the user
# "demo" with a new password and prints each event that the hook is told of.
set -euo pipefail
cd "$(dirname "$0")/../.."
data=$PWD/data
mkdir -p "$data/home"

export SFTPGO_CONFIG_DIR=$data
export SFTPGO_DATA_PROVIDER__USERS_BASE_DIR=$data/home
export SFTPGO_SFTPD__BINDINGS__0__ADDRESS=127.0.0.1
export SFTPGO_FTPD__BINDINGS__0__ADDRESS=127.0.0.1 SFTPGO_FTPD__BINDINGS__0__PORT=2121
export SFTPGO_WEBDAVD__BINDINGS__0__ADDRESS=127.0.0.1 SFTPGO_WEBDAVD__BINDINGS__0__PORT=10080
export SFTPGO_COMMON__ACTIONS__EXECUTE_ON=upload,download,delete,rename
export SFTPGO_COMMON__ACTIONS__HOOK=$PWD/packaging/demo/hook.sh
export DEMO_EVENTS=$data/events.log

if ./sftpgo user show demo >/dev/null 2>&1; then
  password=$(./sftpgo user passwd demo --generate-password)
else
  password=$(./sftpgo user add demo --generate-password)
fi
echo "user demo, password ${password##* }"
touch "$DEMO_EVENTS"
tail -n 0 -F "$DEMO_EVENTS" &
trap 'kill %1' EXIT
./sftpgo serve
