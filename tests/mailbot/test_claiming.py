"""A letter is claimed in the store before anybody hears of it (H30)."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from storage.database import open_database
from storage.outbox import LetterState
from tests.mailbot.test_delivery import deliver, queue, states
from tests.servers import LOOPBACK, CapturingSmtp


def test_h30_a_letter_is_claimed_before_the_relay_is_connected_to(tmp_path: Path, smtp: CapturingSmtp) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/mailbot.db")) as store, closing(socket.create_server((LOOPBACK, 0))) as relay:

        def look_and_hang_up() -> list[LetterState]:
            with relay.accept()[0]:
                return states(store)

        relay.settimeout(10)
        queue(store, 1)
        with ThreadPoolExecutor(1) as thread:
            stood = thread.submit(look_and_hang_up)
            deliver(store, smtp, port=relay.getsockname()[1])
        assert [LetterState.CLAIMED] == stood.result()
