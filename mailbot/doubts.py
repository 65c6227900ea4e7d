"""Letters in doubt, before a person has to look: what a relay took, it may have put into the Sent folder, and there it is found (H31).

One that comes back is heard of in the inbox (``mailbot.intake``). What is found nowhere stays in doubt: not every relay keeps copies.
"""

from collections.abc import Iterable
from datetime import timedelta

from mailbot.desk import Desk
from mailbot.digest_answers import id_in_store
from mailbot.imap import Mailbox
from mailbot.letters import without_code
from mailbot.logs import log
from rules.message import read_header
from storage import ledger, outbox
from storage.outbox import ClaimedLetter, LetterState, Settlement

LOOKED_FOR = timedelta(days=2)
"""How long after it was sent a copy is looked for."""

FOUND = "found in the Sent folder"
CLOCKS_DIFFER = timedelta(days=1)


class Doubts:
    """Looks for letters in doubt in the folder that is open on a connection."""

    def __init__(self, desk: Desk, mailbox: Mailbox, heads_together: int) -> None:
        """Nothing was looked for yet."""
        self._desk, self._mailbox, self._heads_together = desk, mailbox, heads_together
        self._looked: tuple[frozenset[str], int | None] = frozenset(), None

    def look(self) -> None:
        """Settle as accepted what lies in the folder; nothing is asked of the server while nothing is new."""
        since = self._desk.now() - LOOKED_FOR
        with self._desk.database.read() as tx:
            doubtful = outbox.in_doubt(tx, since)
        looked = frozenset(doubtful), self._mailbox.uid_next
        if not doubtful or looked == self._looked:
            return
        found = [doubtful[each] for each in self._message_ids(doubtful.values()) if each in doubtful]
        self._looked = looked
        if found:
            self._settle(found)

    def _message_ids(self, doubtful: Iterable[ClaimedLetter]) -> set[str]:
        """Return which messages lie in the folder since the first of these letters went out."""
        mailbox, size = self._mailbox, self._heads_together
        first = next(mailbox.uids_since((min(letter.claimed_at for letter in doubtful) - CLOCKS_DIFFER).date()), None)
        uids = mailbox.uids_above(first - 1) if first else []
        portions = (uids[start : start + size] for start in range(0, len(uids), size))
        ids = (read_header(each.header).message_id for portion in portions for each in mailbox.envelopes(portion).values())
        return {id_in_store(self._desk.keys, each) for each in ids if each}

    def _settle(self, found: list[ClaimedLetter]) -> None:
        settled = [Settlement(each, LetterState.ACCEPTED, FOUND, kept=without_code(each.content)) for each in found]
        with self._desk.database.write() as tx:
            outbox.settle(tx, settled, self._desk.now())
            ledger.file_answered(tx, [each.id for each in found])
        log.info("doubtful_letters_found", letters=[each.id for each in found])
