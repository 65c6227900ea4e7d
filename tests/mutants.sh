#!/bin/bash
# The body of `make mutants`: what decides is made wrong in one small place after another, and some test must notice.
# It works on a copy of the tree and takes the tests that need no server. What is known of the survivors: docs/mutants.md.
set -eu
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

guards=(
    # Intake: what is never answered and what is old; who vouches; which code, report or copy a message brings.
    'mailbot.arrival.*'
    # Intake: what an answer may add, to which address letters go, robots, and what the next message of a batch sees.
    'mailbot.intake.x__may_say_more__*' 'mailbot.intake.x__is_open_update__*' 'mailbot.intake.x__answered__*'
    'mailbot.intake.x__name_as_on_file__*' 'mailbot.intake.x__notice_robots__*' 'mailbot.intake.x__fold__*' 'mailbot.intake.x__shunted__*'
    # Opening: addresses that get no letter, and what staff's word for a request does by itself.
    'mailbot.opening.x__takes_letters__*' 'mailbot.opening.x_decision_of_staff__*'
    # The outbox: caps, claims, marks, doubtful letters, and what staff may change.
    'storage.outbox.*Gate*' 'storage.outbox.*Count*' 'storage.outbox.x__in_force__*' 'storage.outbox.x__defer__*'
    'storage.outbox.x_claim__*' 'storage.outbox.x__claimed__*' 'storage.outbox.x_mark__*' 'storage.outbox.x_settle__*'
    'storage.outbox.x_come_back__*' 'storage.outbox.x_recover__*' 'storage.outbox.x_bring_forward__*' 'storage.outbox.x__change__*'
    # Delivery: how a try ends, when the next one is, and when there is none.
    'mailbot.delivery.*_settlement__*' 'mailbot.delivery.*_put_off__*' 'mailbot.delivery.*_put_back__*'
    'mailbot.delivery.*_given_up__*' 'mailbot.delivery.x__pause__*'
)

git ls-files -co --exclude-standard -z | tar -c --null -T - --ignore-failed-read 2>/dev/null | tar -x -C "$tree"
cd "$tree"
ulimit -v 4000000  # what fills a list for ever is to die of it alone
"$python" -m mutmut run --max-children "${JOBS:-1}" 'rules.*' "${guards[@]}"
"$python" -m mutmut results --all true | grep -v 'not checked' > verdicts
grep -v ': killed$' verdicts || true
sed -E 's/^ *([a-z]+\.[a-z]+)\.[^:]*: (.*)/\1 \2/' verdicts | sort | uniq -c
"$python" -m tests.table_mutants
