#!/bin/sh
# Build the wheel, install it with its hf extra into an empty environment, and run an experiment from it with the network
# off, away from the checkout. Downloads about 400 MB; run it before a release.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
.venv/bin/python -m hatchling build -t wheel -d "$work" >/dev/null
"${PYTHON:-python3}" -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet --no-deps --retries 1 -c "$root/constraints.txt" torch \
    --extra-index-url https://download.pytorch.org/whl/cpu
wheel=$(ls "$work"/*.whl)
"$work/environment/bin/pip" install --quiet -c "$root/constraints.txt" "subtrait[hf] @ file://$wheel"
cd "$work"
offline=""
if unshare -n true 2>/dev/null; then offline="unshare -n"; fi
HF_HUB_OFFLINE=1 $offline "$work/environment/bin/subtrait" run owl-numbers --size tiny --out tried
test -s tried/report.html
echo "the wheel works"
