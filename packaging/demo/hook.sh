#!/bin/sh
# Called for each event with five arguments: action, user, path, target path,
# SSH command. The environment tells more: docs/hooks.md.
echo "$(date +%T) $SFTPGO_ACTION_PROTOCOL $1 by $2: $3${4:+ -> $4} (status $SFTPGO_ACTION_STATUS, $SFTPGO_ACTION_FILE_SIZE bytes)" >> "$DEMO_EVENTS"
