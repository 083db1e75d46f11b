#!/usr/bin/env bash
# Runs the tests that depend on the backend (marker "backend") on TensorFlow, then on PyTorch; there
# also those of the adapters of PyTorch (marker "torch"). Arguments go to pytest.
set -uo pipefail
cd "$(dirname "$0")/.."

scripts/make_venv.sh .venv-backends backends || exit 1

summary=()
failed=0
for backend in tensorflow torch; do
    marked=backend
    [ "$backend" != torch ] || marked='backend or torch'
    echo "== Tests marked '$marked' on Keras 3 with $backend"
    began=$SECONDS
    verdict=passed
    KERAS_BACKEND=$backend .venv-backends/bin/python -m pytest -q -n auto --dist worksteal \
        --durations=25 -m "$marked" "$@" || verdict=FAILED
    [ "$verdict" = passed ] || failed=1
    summary+=("Keras 3 on $backend: $verdict, $((SECONDS - began)) seconds")
done

echo
echo "== Which backends ran"
printf '%s\n' "${summary[@]}"
exit "$failed"
