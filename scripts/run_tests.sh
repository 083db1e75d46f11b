#!/usr/bin/env bash
# Runs the tests on the modern stack and, where this machine has a Python for it, on the pinned
# one (there without those marked "once"); ends with a line for each. REQUIRE_PINNED=1 makes a
# missing pinned stack a failure. Arguments go to pytest.
set -uo pipefail
cd "$(dirname "$0")/.."

summary=()
failed=0

run_stack() { # stack, venv, arguments of pytest
    local name="$1 stack"
    if ! scripts/make_venv.sh "$2" "$1"; then
        summary+=("$name: FAILED, its environment $2 could not be made")
        failed=1
        return
    fi
    local packages
    packages="$("$2/bin/python" --version), $("$2/bin/python" -m pip freeze |
        grep -E -i '^(keras|jax|tensorflow-gpu)==' | tr '\n' ' ')"
    packages="${packages% }"
    echo "== Tests on the $name: $packages"
    local began=$SECONDS verdict=passed
    "$2/bin/python" -m pytest -q -n auto --dist worksteal --durations=25 "${@:3}" || verdict=FAILED
    [ "$verdict" = passed ] || failed=1
    summary+=("$name ($packages): $verdict, $((SECONDS - began)) seconds")
}

run_stack modern .venv "$@"
if scripts/find_python.sh pinned >/dev/null; then
    run_stack pinned .venv-legacy -m "not once" "$@"
elif [ "${REQUIRE_PINNED:-0}" = 1 ]; then
    summary+=("pinned stack: FAILED, it is required here but no Python 3.7 or 3.8 was found")
    failed=1
else
    summary+=("pinned stack: not run, no Python 3.7 or 3.8 was found (PATH, pyenv, conda)")
fi

echo
echo "== Which stacks ran"
printf '%s\n' "${summary[@]}"
exit "$failed"
