"""A short letter is read whatever its subject says; of long business mail under an ordinary subject no body is fetched."""

from tests.conftest import ConfigFile
from tests.scenarios.outside import append_all, message, outcomes_in, requests_in, run_once
from tests.servers import Dovecot

ASKS = "Please delete all my personal data, I am no longer your client."
TABLE = "1 500.00 KZT | pallet | Almaty\r\n" * 1000


def test_what_is_asked_under_another_subject_is_seen_where_the_letter_is_short(
    config_file: ConfigFile, dovecot: Dovecot, mailbox: str
) -> None:
    config = config_file()
    run_once(config)
    append_all(
        dovecot, mailbox, [message("short", "Weekly rates, week 14", ASKS), message("long", "Weekly rates, week 15", f"{ASKS}\r\n{TABLE}")]
    )
    run_once(config)
    assert [("destroy", "short@example.com")] == [(each.type, each.sender) for each in requests_in(config)]
    assert {"request": 1, "ordinary": 1} == outcomes_in(config)
