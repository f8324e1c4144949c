#!/usr/bin/env bash
# The vitals benchmark's peer: python-hl7, in the environment of the tools.
set -euo pipefail
cd "$(dirname "$0")/../../.."
python=.tools/venv/bin/python
"$python" -c 'import importlib.metadata as m; exit(m.version("hl7") != "0.4.5")' 2>/dev/null && exit 0
echo "==> Installing python-hl7"
"$python" -m pip install --quiet --disable-pip-version-check "hl7==0.4.5" ||
    { echo "setup: hl7 could not be installed with pip" >&2; exit 1; }
