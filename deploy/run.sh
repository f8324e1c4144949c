#!/usr/bin/env bash
# Starts the server, plays the demo consultation into it, and keeps the server until Ctrl-C.
set -euo pipefail
bin=$1
folder=${HEALTHSYNC_RUN_DIR:-.demo}
mkdir -p "$folder"
export HEALTHSYNC__STORAGE__PATH=${HEALTHSYNC__STORAGE__PATH:-$folder/healthsync.db}

"$bin" serve &
server=$!
# The server is ours to stop, by its own id.
trap 'kill -TERM "$server" 2>/dev/null; wait "$server" 2>/dev/null || true' EXIT
trap 'exit 0' INT TERM

"$bin" demo
echo
echo "The server goes on running: open the page named above, or stop it with Ctrl-C."
wait "$server"
