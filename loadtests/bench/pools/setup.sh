#!/usr/bin/env bash
# The pool benchmark's peers: NVIDIA's Triton with its Python backend, and PyTriton, in an environment of their own. Nothing
# else needs it.
set -euo pipefail
cd "$(dirname "$0")/../../.."
venv=.tools/bench-pools
wanted=loadtests/bench/pools/requirements.txt

fail() {
    echo "setup: $1" >&2
    exit 1
}

if [ ! -x $venv/bin/python ]; then
    echo "==> Making a Python environment in $venv"
    python3 -m venv $venv || fail "install python3-venv"
fi
cmp -s $wanted $venv/.installed && exit 0
# The backend links to the interpreter, so that it comes for some versions only, and needs Python as a shared library.
version=$($venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
case $version in 3.8 | 3.9 | 3.1[0-3]) ;; *) fail "Triton's Python backend has no interpreter for Python $version: 3.8 to 3.13 will do" ;; esac
libraries=$($venv/bin/python -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))')
if [ ! -e "$libraries/libpython$version.so.1.0" ] && ! ldconfig -p | grep -q "libpython$version.so.1.0"; then
    fail "Python $version has no shared library: install libpython$version, or Python built with --enable-shared"
fi
echo "==> Installing Triton"
$venv/bin/python -m pip install --quiet --disable-pip-version-check -r $wanted ||
    fail "nvidia-pytriton could not be installed with pip"
packages=$(realpath "$($venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')")
triton=$packages/pytriton/tritonserver
# The backend looks for its interpreter beside itself.
cp "$triton/python_backend_stubs/$version/triton_python_backend_stub" "$triton/backends/python/"
chmod +x "$triton/bin/tritonserver" "$triton/backends/python/triton_python_backend_stub"
cat >$venv/bin/tritonserver <<END
#!/bin/sh
export LD_LIBRARY_PATH="$packages/nvidia_pytriton.libs:$libraries" BENCH_SITE_PACKAGES="$packages"
exec "$triton/bin/tritonserver" --backend-directory="$triton/backends" "\$@"
END
# PyTriton's server must find the library of the very interpreter it runs in, not another of the same version.
cat >$venv/bin/pytriton-python <<END
#!/bin/sh
export LD_LIBRARY_PATH="$libraries"
exec "$(realpath $venv)/bin/python" "\$@"
END
chmod +x $venv/bin/tritonserver $venv/bin/pytriton-python
cp $wanted $venv/.installed
