"""The other folders of a mailbox: how they are found, and that looking into them leaves everything as it was."""

import pytest

from mailbot.errors import ConfigurationMistake
from mailbot.folders import special_folder
from mailbot.imap import Address, Mailbox
from tests.mailbot.scripted_imap import Script, Scripted
from tests.servers import LOOPBACK, PASSWORD, Dovecot

MESSAGE = b"From: anna@example.com\r\nSubject: x\r\n\r\ny\r\n"
SENT_IN_RUSSIAN = "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-"
"""«Отправленные» in modified UTF-7 (RFC 3501, 5.1.3)."""


def opened(port: int, user: str = "info") -> Mailbox:
    return Mailbox(Address(LOOPBACK, port, "none", None, user, PASSWORD, "INBOX", 5))


def folder_with(script: Script, use: str) -> str | None:
    server = Scripted(script)
    try:
        mailbox = opened(server.port)
        try:
            return special_folder(mailbox, use)
        finally:
            mailbox.log_out()
    finally:
        server.close()


def capable(*words: str) -> Script:
    return {"CAPABILITY": f"* CAPABILITY IMAP4rev1 {' '.join(words)}\r\nTAG OK\r\n"}


def test_h18_a_real_server_names_the_folder_of_sent_mail(dovecot: Dovecot, mailbox: str) -> None:
    connection = opened(dovecot.imap_port, mailbox)
    assert ("Sent", None) == (special_folder(connection, "\\Sent"), special_folder(connection, "\\Junk"))
    connection.log_out()


def test_h18_the_name_is_decoded() -> None:
    listed = f'* LIST (\\HasNoChildren \\Sent) "/" "{SENT_IN_RUSSIAN}"\r\nTAG OK\r\n'
    assert "Отправленные" == folder_with(capable("SPECIAL-USE", "LIST-EXTENDED") | {"LIST (SPECIAL-USE)": listed}, "\\Sent")


def test_h18_attributes_in_a_plain_list_are_enough() -> None:
    listed = '* LIST (\\HasNoChildren) "/" "INBOX"\r\n* LIST (\\hasnochildren \\sent) "/" "Sent Items"\r\nTAG OK\r\n'
    assert "Sent Items" == folder_with({'LIST ""': listed}, "\\Sent")


def test_h18_the_older_way_to_tell_is_understood() -> None:
    listed = (
        f'* XLIST (\\Inbox) "/" "INBOX"\r\n* XLIST (\\Spam) "/" "&BCEEPwQwBDw-"\r\n* XLIST (\\Sent) "/" "{SENT_IN_RUSSIAN}"\r\nTAG OK\r\n'
    )
    script = capable("XLIST") | {"XLIST": listed}
    assert ["Отправленные", "Спам"] == [folder_with(script, use) for use in ("\\Sent", "\\Junk")]


def test_a_folder_that_cannot_be_opened_is_none() -> None:
    assert folder_with({'LIST ""': '* LIST (\\Noselect \\Sent) "/" "Old"\r\nTAG OK\r\n'}, "\\Sent") is None


def test_h1_another_folder_is_read_and_left_as_it_was(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.append(mailbox, MESSAGE)
    dovecot.append(mailbox, MESSAGE, "Sent", ["\\Flagged"])
    before = dovecot.snapshot(mailbox, "Sent")
    connection = opened(dovecot.imap_port, mailbox)
    with connection.elsewhere("Sent"):
        assert {1: MESSAGE} == connection.wholes(connection.uids_above(0))
        assert dovecot.uidvalidity(mailbox, "Sent") == connection.uidvalidity
    assert dovecot.uidvalidity(mailbox) == connection.uidvalidity
    connection.log_out()
    assert before == dovecot.snapshot(mailbox, "Sent")


def test_h12_looking_elsewhere_does_not_make_the_inbox_seem_new(dovecot: Dovecot, mailbox: str) -> None:
    """Else every round would call for another one at once."""
    for _ in range(2):
        dovecot.append(mailbox, MESSAGE)
    connection = opened(dovecot.imap_port, mailbox)
    connection.uids_above(0)
    with connection.elsewhere("Sent"):
        connection.uids_above(0)
    assert not connection.has_more()
    connection.log_out()


def test_h18_a_missing_folder_is_told_and_the_inbox_stays_open(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.append(mailbox, MESSAGE)
    connection = opened(dovecot.imap_port, mailbox)
    with (
        pytest.raises(ConfigurationMistake, match=r"sent_folder or spam_folder: .* has no folder Исходящие"),
        connection.elsewhere("Исходящие"),
    ):
        pass
    assert [1] == connection.uids_above(0)
    with dovecot.session(mailbox) as imap:
        assert not imap.folder_exists("Исходящие")
    connection.log_out()


def test_i4_nothing_is_filed_away_while_elsewhere(dovecot: Dovecot, mailbox: str) -> None:
    """The numbers would name other messages in the inbox, and some servers give two folders the same UIDVALIDITY."""
    dovecot.append(mailbox, MESSAGE)
    dovecot.append(mailbox, MESSAGE, "Sent")
    connection = opened(dovecot.imap_port, mailbox)
    with connection.elsewhere("Sent"):
        connection.uidvalidity = dovecot.uidvalidity(mailbox)
        with pytest.raises(RuntimeError, match="only read"):
            connection.mark([1], "\\Answered")
    connection.log_out()
    assert frozenset() == dovecot.snapshot(mailbox)[1].flags


def test_the_newest_messages_are_named_ascending(dovecot: Dovecot, mailbox: str) -> None:
    for _ in range(3):
        dovecot.append(mailbox, MESSAGE)
    connection = opened(dovecot.imap_port, mailbox)
    assert ([2, 3], [1, 2, 3]) == (connection.newest(2), connection.newest(50))
    with connection.elsewhere("Sent"):
        assert [] == connection.newest(50)
    connection.log_out()
