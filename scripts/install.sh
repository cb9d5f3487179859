#!/bin/sh
# Make the environment .venv and install subtrait into it, in the versions of constraints.txt. May be repeated.
#
# PyTorch comes first and alone. Its usual build for Linux brings gigabytes of CUDA libraries, which are of no use
# without an NVIDIA driver. There the build whose version ends in "+cpu" is asked for by name, so that no other can come.
set -eu
cd "$(dirname "$0")/.."

stop() {
    echo "install: $*" >&2
    exit 1
}

in_venv() { .venv/bin/python "$@"; }

python=${PYTHON:-python3}
asked_for() { [ -n "${PYTHON:-}" ] && [ "$("$python" -V 2>&1)" != "$(in_venv -V 2>&1)" ]; }

# An environment that works is kept, unless PYTHON names an interpreter of another version.
if ! in_venv -c '' 2>/dev/null || asked_for; then
    "$python" -c '' 2>/dev/null ||
        stop "'$python' does not run; install Python 3.11 or newer, or name another: PYTHON=python3.12 make install"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        stop "$("$python" -V 2>&1) is too old; needed is 3.11 or newer: PYTHON=python3.12 make install"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        stop "$python cannot make environments; on Debian: apt-get install python3-venv"
    echo "install: making .venv with $("$python" -V 2>&1)"
    "$python" -m venv --clear .venv
fi
in_venv -m pip --version >/dev/null 2>&1 || in_venv -m ensurepip >/dev/null

pip_install() { in_venv -m pip install -qq --disable-pip-version-check "$@"; }

version=$(sed -n 's/^torch==//p' constraints.txt)
if command -v nvidia-smi >/dev/null 2>&1; then
    torch=torch
elif [ "$(uname -s)" = Linux ]; then
    torch="torch==$version+cpu"
else
    torch="torch==$version"
fi
constraints=.venv/constraints.txt
sed "s/^torch==.*/$torch/" constraints.txt >"$constraints"

echo "install: PyTorch ($torch)"
case $torch in
*+cpu)
    pip_install --no-deps --retries 1 --timeout 30 -c "$constraints" "$torch" \
        --extra-index-url https://download.pytorch.org/whl/cpu ||
        stop "no CPU build of PyTorch $version came, neither from download.pytorch.org nor from the usual index." \
            "Check the network, or install it by hand: .venv/bin/python -m pip install '$torch' --find-links FOLDER"
    in_venv - <<'PY' || stop "the PyTorch in .venv is a CUDA build, and there is no NVIDIA driver; delete .venv and try again"
import importlib.util, pathlib, runpy, sys  # torch itself cannot be imported yet: its dependencies come later
folder = pathlib.Path(importlib.util.find_spec("torch").origin).parent
sys.exit(runpy.run_path(str(folder / "version.py"))["cuda"] is not None)
PY
    ;;
*) pip_install -c "$constraints" "$torch" ;;
esac

echo "install: subtrait and the libraries it needs"
# The two variables hold the build backend to the same versions: the first for older pips, the second for newer ones.
PIP_CONSTRAINT="$constraints" PIP_BUILD_CONSTRAINT="$constraints" pip_install -c "$constraints" -e '.[hf,data,servers,dev]'
echo "install: done; .venv/bin/subtrait is the program"
