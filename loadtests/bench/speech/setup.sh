#!/usr/bin/env bash
# The speech benchmark's peers, in an environment of their own. Nothing else needs it.
set -euo pipefail
cd "$(dirname "$0")/../../.."
venv=.tools/bench
wanted=loadtests/bench/speech/requirements.txt
marker=$venv/.installed
if [ ! -x $venv/bin/python ]; then
    echo "==> Making a Python environment in $venv"
    python3 -m venv $venv || { echo "setup: install python3-venv" >&2; exit 1; }
fi
cmp -s $wanted $marker && exit 0
echo "==> Installing WhisperLive and faster-whisper"
# Without dependencies: requirements.txt names every package that is needed, and says why not the others.
$venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $wanted ||
    { echo "setup: the peers could not be installed with pip" >&2; exit 1; }
cp $wanted $marker
