#!/usr/bin/env bash
# Makes a virtual environment ready, and does nothing when it already is:
#   make_venv.sh DIR modern|pinned|backends
# "backends" is the modern stack with TensorFlow, PyTorch, Lightning and Hugging Face beside JAX.
set -euo pipefail
cd "$(dirname "$0")/.."

dir="$1"
kind="$2"
stack="$kind"
[ "$kind" = backends ] && stack=modern

answers() { "$dir/bin/python" -c '' 2>/dev/null; }

# Ready means: made from these very requirements, by this very recipe.
state="$kind $(cat requirements.txt requirements-dev.txt pyproject.toml scripts/make_venv.sh | cksum)"
stamp="$dir/.autotrainer-ready"
if answers && [ "$(cat "$stamp" 2>/dev/null)" = "$state" ]; then
    exit 0
fi

if ! answers; then
    if ! python="$(scripts/find_python.sh "$stack")"; then
        echo "No Python for the $stack stack found (see scripts/find_python.sh)." >&2
        exit 1
    fi
    echo "Making $dir with $("$python" --version 2>&1) ..."
    "$python" -m venv --clear "$dir"
fi

# -qq: packages that are already there, and pip's own news, are not worth a line; errors are.
# --no-compile: of the 40,000 files few are ever imported, and these are compiled then.
install() { "$dir/bin/python" -m pip install -qq --disable-pip-version-check --no-compile "$@"; }

echo "Installing the $kind stack into $dir (some minutes the first time) ..."
if [ "$kind" = backends ]; then
    # PyTorch first and by itself, so that pip cannot trade its version for one of TensorFlow's.
    install torch==2.13.0
    install tensorflow-cpu==2.21.0
    install 'lightning>=2.2' 'transformers>=4.40' accelerate
fi
install -r requirements-dev.txt
install --no-deps -e .
echo "$state" >"$stamp"
