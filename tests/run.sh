#!/bin/bash
# Everything that must be green before a commit: the body of `make test`. Runs every step, whatever fails; names the failed ones
# at the end; closes with pytest's own line.
set -u
cd "$(dirname "$0")/.."
bin=.venv/bin
failed=()
report=$(mktemp)
trap 'rm -f "$report"' EXIT

step() {
    local name=$1
    shift
    echo "== $name"
    "$@" || failed+=("$name")
}

server_packages() {
    local missing
    missing=$($bin/python -m tests.servers) || return 1
    [ -z "$missing" ] || tests/install_packages.sh $missing || return 1
    missing=$($bin/python -m tests.servers)
    [ -z "$missing" ] || { echo "still missing: $missing" >&2; return 1; }
}

run_tests() {
    local workers  # one more than there are cores: many tests wait for servers
    workers=$($bin/python -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')
    $bin/pytest -q -n "$workers" --junit-xml=build/tests.xml 2>&1 | tee "$report"
    return "${PIPESTATUS[0]}"
}

step "server packages" server_packages
step "ruff check" $bin/ruff check .
step "ruff format" $bin/ruff format --check .
step "mypy" $bin/mypy
step "lint-imports" $bin/lint-imports
step "pytest" run_tests

[ ${#failed[@]} = 0 ] && exit 0
printf '\nfailed:%s\n' "$(printf ' %s,' "${failed[@]}" | sed 's/,$//')"
tail -n 1 "$report"
exit 1
