#!/usr/bin/env bash
# Prints the path of a Python for a stack, or exits 1 if this machine has none:
#   find_python.sh modern    Python 3.10 or newer
#   find_python.sh pinned    Python 3.7 or 3.8, on Linux x86-64 (TensorFlow 2.3 has no other wheels)
# Looks at $PYTHON_MODERN / $PYTHON_PINNED, the PATH, pyenv's versions and conda's environments.
set -euo pipefail

case "${1:-}" in
    modern)
        wanted="${PYTHON_MODERN:-}"
        names="python3 python3.12 python3.11 python3.13 python3.10 python3.14"
        test='sys.version_info >= (3, 10)'
        ;;
    pinned)
        wanted="${PYTHON_PINNED:-}"
        names="python3.7 python3.8 python3 python"
        test='(3, 7) <= sys.version_info < (3, 9) and sys.platform == "linux"
              and platform.machine() == "x86_64"'
        ;;
    *)
        echo "usage: find_python.sh modern|pinned" >&2
        exit 2
        ;;
esac

# A name on the PATH proves nothing (pyenv's shims answer to versions that are switched off), so
# each candidate is started. ensurepip, without which venv makes no pip, is split off on Debian.
fits() {
    "$1" -c "import ensurepip, platform, sys, venv; sys.exit(not ($test))" 2>/dev/null
}

try() {
    if fits "$1"; then
        "$1" -c 'import sys; print(sys.executable)'
        exit 0
    fi
}

if [ -n "$wanted" ]; then
    try "$wanted"
    echo "find_python.sh: $wanted does not fit the $1 stack" >&2
    exit 1
fi

for name in $names; do
    try "$name"
done
for root in "${PYENV_ROOT:-$HOME/.pyenv}/versions" \
    "${CONDA_PREFIX:-/nonexistent}" "${CONDA_PREFIX:-/nonexistent}/envs" \
    "$HOME"/{mini,ana}conda3/envs "$HOME"/{miniforge,mambaforge}3/envs \
    /opt/{conda,miniconda3,anaconda3,miniforge3}/envs; do
    for candidate in "$root"/bin/python "$root"/*/bin/python; do
        if [ -x "$candidate" ]; then
            try "$candidate"
        fi
    done
done
exit 1
