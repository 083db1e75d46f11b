#!/usr/bin/env bash
# What a stranger gets: builds the wheel, installs it into an empty environment, and runs the three
# commands there from an empty folder, where nothing of the repository can be found. Needs pip's
# cache or a registry, and no other network.
set -euo pipefail
cd "$(dirname "$0")/.."

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
unset PYTHONPATH KERAS_BACKEND PYTHONDONTWRITEBYTECODE

say() { printf '== %s (%d seconds)\n' "$1" "$SECONDS"; }

# From a copy, as setuptools leaves build/ and *.egg-info in the folder that it builds from.
mkdir "$work/source" "$work/dist" "$work/empty"
cp -r AutoTrainer Motivation README.md LICENSE pyproject.toml requirements.txt "$work/source"
.venv/bin/python -m build --wheel --outdir "$work/dist" "$work/source" >"$work/build.log" 2>&1 || {
    cat "$work/build.log"
    exit 1
}
if grep -E 'WARNING|[Dd]eprecat' "$work/build.log"; then
    echo "test_wheel.sh: the build warns" >&2
    exit 1
fi
wheel="$(echo "$work"/dist/*.whl)"
say "built ${wheel##*/}"

.venv/bin/python -m venv "$work/venv"
# --no-compile: of all that is installed little is imported, and that is compiled then.
"$work/venv/bin/python" -m pip install -qq --no-compile --disable-pip-version-check "$wheel"
say "installed with all that it needs"

cd "$work/empty"
autotrainer() { "$work/venv/bin/autotrainer" "$@"; }
expect() { # pattern, command: prints what the command says if the pattern is not in it
    local said
    said="$("${@:2}" 2>&1)" || { echo "$said"; echo "test_wheel.sh: failed: ${*:2}" >&2; exit 1; }
    grep -q -E "$1" <<<"$said" ||
        { echo "$said"; echo "test_wheel.sh: no '$1' in what this says: ${*:2}" >&2; exit 1; }
}

run=result/Gradient_Vanish_Case_seed0
expect 'Outcome +repaired by' autotrainer run --case Gradient_Vanish_Case
say "autotrainer run --case Gradient_Vanish_Case"

cat >config.json <<'END'
{"optimizer": "SGD", "opt_kwargs": {"lr": 5.0}, "batchsize": 32, "epoch": 5,
 "loss": "binary_crossentropy", "dataset": "simplednn_circle"}
END
expect 'learning' autotrainer check -mp "$run/initial.keras" -cp config.json
say "autotrainer check"

rm "$run/report.html"
expect 'report.html' autotrainer report "$run"
test -s "$run/report.html"
expect '[|] .*relu20' "$work/venv/bin/python" -m Motivation.analyse
say "autotrainer report, python -m Motivation.analyse"
