"""The folders beside the inbox: which one the server marks for a use, how it spells a name, and a folder of ours made if need be."""

from imapclient import IMAPClient

from mailbot.errors import Problem
from mailbot.imap import Mailbox, RefusedCommand, Unreadable
from mailbot.logs import log

Attributes = tuple[bytes, ...]


def special_folder(mailbox: Mailbox, use: str) -> str | None:
    """Return the folder with a special use, ``\\Sent`` or ``\\Junk``; None where the server names none (RFC 6154)."""
    wanted = {use.lower().encode(), *((b"\\spam",) if use == "\\Junk" else ())}  # XLIST, the older way, calls it so
    try:
        folders = mailbox.ask(_special_folders)
    except (RefusedCommand, Unreadable):  # a server that does not tell, or not readably, has no such folder, for us
        return None
    for flags, name in folders:
        marks = {flag.lower() for flag in flags}
        if marks & wanted and not marks & {b"\\noselect", b"\\nonexistent"}:
            return str(name)
    return None


def own_folder(mailbox: Mailbox, name: str) -> str | None:
    """Return the server's own name of a folder, made and subscribed if it was not there; None where the server makes none."""
    try:
        own = spelt_by_server(mailbox, name)
        if not mailbox.ask(lambda client: client.folder_exists(own)):
            mailbox.ask(lambda client: client.create_folder(own))
            mailbox.ask(lambda client: client.subscribe_folder(own))
    except Problem as problem:
        mailbox.examine()  # raises where the inbox is away as well
        log.warning("take_in_folder_not_made", reason=str(problem))
        return None
    return own


def spelt_by_server(mailbox: Mailbox, name: str) -> str:
    """Return a folder's name as the server spells it.

    People write levels with "/"; the server has a separator of its own, and perhaps a folder above all others (RFC 2342).
    """
    prefix, separator = mailbox.ask(_prefix_and_separator)
    own = str(name.replace("/", separator) if separator else name)
    return own if own.startswith(prefix) else f"{prefix}{own}"


def _prefix_and_separator(client: IMAPClient) -> tuple[str, str | None]:
    if client.has_capability("NAMESPACE"):
        prefix, separator = (client.namespace().personal or (("", None),))[0]
        return str(prefix), separator
    listed = client.list_folders("", "")
    return "", listed[0][1].decode() if listed and listed[0][1] else None


def _special_folders(client: IMAPClient) -> list[tuple[Attributes, str]]:
    """Ask only for folders with a special use, where the server understands that; else for all with their attributes."""
    if client.has_capability("SPECIAL-USE") and client.has_capability("LIST-EXTENDED"):
        imap = client._imap
        kind, said = imap._simple_command("LIST", "(SPECIAL-USE)", '""', '"*"')
        client._checkok("list", kind, said)
        found = client._proc_folder_list(imap._untagged_response(kind, said, "LIST")[1])
    else:
        found = client.xlist_folders() if client.has_capability("XLIST") else client.list_folders()
    return [(flags, name) for flags, _, name in found]
