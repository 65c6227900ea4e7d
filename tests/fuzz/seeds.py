"""What the fuzzer begins with: odd messages, labelled letters and policies, all of our own making; and the words of its trade."""

from collections.abc import Iterable
from pathlib import Path

from tests.score import Case, own, samples

TESTS = Path(__file__).parents[1]
EVERY_LETTER = 37
"""There are ten thousand letters, many much alike: one in so many is a seed."""

_WORDS = (
    *("From: ", "Subject: ", "To: ", "Content-Type: ", "multipart/mixed", "multipart/report", "message/rfc822", "text/html", "boundary=b"),
    *("charset=", "utf-7", "utf-16", "koi8-r", "hz", "base64", "quoted-printable", "name*0*=", "filename=", "--b", "--b--", "\r\n\r\n"),
    *("=?utf-8?b?", "=?koi8-r?q?", "?=", "<!--", "<script>", "<p hidden>", "<blockquote>", "style='display:none'", "&#1105;", "&#xD800;"),
    *("On 1 May 2026 Anna wrote:", "-----Original Message-----", "Re: ", "[list] ", "Subject: ", "-- \n", "> ", "1.2. ", "<table>", "<td>"),
    *("unsubscribe", "my personal data", "delete", "please ", "my new phone is ", "+7 700 000 00 01", "@mail.example", "days", "within"),
    *("прошу ", "удалить", "мои данные", "отзываю согласие", "номер", "вместо", "с пометкой ", "в течение ", "рабочих дней", "пункт "),
    *("дербес ", "деректер", "келісім", "жаңа нөмірім", "өшіріңіз", "белгісімен", "жұмыс күні", "тақырыбы", "әғқңөұүһі"),
)


def seeds_of(name: str) -> list[bytes]:
    """Return what a target begins with, its own findings of old among it."""
    found = [path.read_bytes() for path in found_by(name)]
    match name:
        case "recognition" | "details":
            return found + [f"{case.subject}\n{case.body}".encode() for case in _letters()]
        case "policy_text":
            return found + [path.read_bytes() for path in _policies()]
        case _:
            return found + [path.read_bytes() for path in sorted((TESTS / "mail").glob("*.eml"))] + [_mailed(case) for case in _letters()]


def found_by(name: str) -> list[Path]:
    """Return the inputs by which a target was once broken."""
    return sorted((TESTS / "mail" / "found").glob(f"{name}-*"))


def dictionary() -> str:
    """Return the words of the trade as libFuzzer reads them."""
    return "".join('"' + "".join(f"\\x{octet:02x}" for octet in word.encode()) + '"\n' for word in _WORDS)


def _letters() -> Iterable[Case]:
    return [*samples(), *own()[::EVERY_LETTER]]


def _policies() -> list[Path]:
    return sorted(path for path in (TESTS / "rules" / "policies").iterdir() if path.suffix in {".txt", ".html"})


def _mailed(case: Case) -> bytes:
    head = f"From: anna@client.example\nTo: info@alit.example\nSubject: {case.subject}\nContent-Type: text/plain; charset=utf-8\n"
    return f"{head}\n{case.body}\n".encode()
