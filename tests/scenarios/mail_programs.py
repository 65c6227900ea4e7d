"""How mail programs word an answer: what the person types, and what the program puts under, above or around it."""

from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP

READER, INBOX = "officer@example.com", "info@alit.kz"
SUBJECT_PREFIX = {"gmail_ru": "Re: ", "outlook_ru": "RE: ", "mailru": "Re: ", "yandex": "Re: ", "outlook_kk": "RE: "}
HEAD = {
    "en": ("From", "Sent", "To", "Subject", "Monday, November 23, 2026 9:00 AM"),
    "ru": ("От", "Отправлено", "Кому", "Тема", "понедельник, 23 ноября 2026 г. 9:00"),
    "kk": ("Кімнен", "Жіберілді", "Кімге", "Тақырыбы", "дүйсенбі, 23 қараша 2026 ж. 9:00"),
}


def quoted(text: str) -> str:
    """Return a text with a mark before each line."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def outlook_head(language: str, subject: str) -> str:
    """Return the header that Outlook copies above what is answered, without marks."""
    sender, sent, to, about, when = HEAD[language]
    return f"{sender}: KazGer <{INBOX}>\n{sent}: {when}\n{to}: {READER}\n{about}: {subject}\n"


def bare(says: str, _digest: str, _subject: str) -> str:
    return says


def gmail_en(says: str, digest: str, _subject: str) -> str:
    return f"{says}\n\nOn Mon, Nov 23, 2026 at 9:00 AM KazGer <{INBOX}> wrote:\n\n{quoted(digest)}"


def gmail_ru(says: str, digest: str, _subject: str) -> str:
    return f"{says}\n\nпн, 23 нояб. 2026 г. в 09:00, KazGer <{INBOX}>:\n\n{quoted(digest)}"


def gmail_kk(says: str, digest: str, _subject: str) -> str:
    return f"{says}\n\n23.11.2026 09:00, KazGer <{INBOX}> жазды:\n\n{quoted(digest)}"


def outlook_en(says: str, digest: str, subject: str) -> str:
    return f"{says}\n\n________________________________\n{outlook_head('en', subject)}\n{digest}"


def outlook_ru(says: str, digest: str, subject: str) -> str:
    return f"{says}\n\nС уважением,\nОтдел защиты данных\n\n{outlook_head('ru', subject)}\n{digest}"


def outlook_kk(says: str, digest: str, subject: str) -> str:
    return f"{says}\n\n{outlook_head('kk', subject)}\n{digest}"


def outlook_mobile(says: str, digest: str, subject: str) -> str:
    said = f"{says}\n\nGet Outlook for Android<https://aka.ms/AAb9ysg>"
    return f"{said}\n________________________________\n{outlook_head('en', subject)}\n{digest}"


def apple_en(says: str, digest: str, _subject: str) -> str:
    return f"{says}\n\n> On 23 Nov 2026, at 09:00, KazGer <{INBOX}> wrote:\n> \n{quoted(digest)}"


def apple_ru(says: str, digest: str, _subject: str) -> str:
    return f"{says}\n\n> 23 нояб. 2026 г., в 09:00, KazGer <{INBOX}> написал(а):\n> \n{quoted(digest)}"


def iphone(says: str, digest: str, _subject: str) -> str:
    return f"{says}\n\nSent from my iPhone\n\n> On 23 Nov 2026, at 09:00, KazGer <{INBOX}> wrote:\n> \n{quoted(digest)}"


def iphone_ru(says: str, digest: str, _subject: str) -> str:
    return f"{says}\n\nОтправлено с iPhone\n\n> 23 нояб. 2026 г., в 09:00, KazGer <{INBOX}> написал(а):\n>\n{quoted(digest)}"


def thunderbird_below(says: str, digest: str, _subject: str) -> str:
    return f"On 11/23/26 09:00, KazGer wrote:\n{quoted(digest)}\n\n{says}\n\n-- \nData protection, ext. 14"


def thunderbird_ru(says: str, digest: str, _subject: str) -> str:
    return f"23.11.2026 09:00, KazGer пишет:\n{quoted(digest)}\n\n{says}"


def inline(says: str, digest: str, _subject: str) -> str:
    lines = quoted(digest).splitlines()
    return "\n".join([f"On 23/11/2026 09:00, KazGer <{INBOX}> wrote:", *lines[:12], "", says, "", *lines[12:]])


def yandex(says: str, digest: str, _subject: str) -> str:
    return f'{says}\n\n23.11.2026, 09:00, "KazGer" <{INBOX}>:\n{quoted(digest)}'


def mailru(says: str, digest: str, _subject: str) -> str:
    said = f"{says}\n\n--\nОтправлено из мобильной Почты Mail"
    return f"{said}\n\n\nПонедельник, 23 ноября 2026, 9:00 +05:00 от KazGer <{INBOX}>:\n\n{quoted(digest)}"


def samsung(says: str, digest: str, subject: str) -> str:
    return (
        f"{says}\n\nSent from my Galaxy\n\n\n-------- Original message --------\n"
        f"From: KazGer <{INBOX}>\nDate: 23/11/2026 09:00 (GMT+05:00)\nTo: {READER}\nSubject: {subject}\n\n{digest}"
    )


def forwarded_gmail(says: str, digest: str, subject: str) -> str:
    head = f"From: KazGer <{INBOX}>\nDate: Mon, Nov 23, 2026 at 9:00 AM\nSubject: {subject}\nTo: <{READER}>"
    return f"{says}\n\n---------- Forwarded message ---------\n{head}\n\n\n{digest}"


def forwarded_ru(says: str, digest: str, subject: str) -> str:
    return f"{says}\n\n-------- Пересылаемое сообщение --------\n23.11.2026, 09:00, KazGer <{INBOX}>:\n{subject}\n\n{digest}"


PROGRAMS: dict[str, Callable[[str, str, str], str]] = {
    function.__name__: function
    for function in (
        bare,
        gmail_en,
        gmail_ru,
        gmail_kk,
        outlook_en,
        outlook_ru,
        outlook_kk,
        outlook_mobile,
        apple_en,
        apple_ru,
        iphone,
        iphone_ru,
        thunderbird_below,
        thunderbird_ru,
        inline,
        yandex,
        mailru,
        samsung,
        forwarded_gmail,
        forwarded_ru,
    )
}


def html_of(text: str) -> str:
    """Return a text as a web client writes it: each line a block, the quotation after it."""
    return "<html><body>" + "".join(f"<div>{line.replace('<', '&lt;') or '<br>'}</div>" for line in text.splitlines()) + "</body></html>"


def message(head: dict[str, str], text: str, *, html_only: bool = False) -> bytes:
    """Return a message as it is delivered."""
    mail = EmailMessage(policy=SMTP)
    for name, value in head.items():
        mail[name] = value
    mail.set_content(html_of(text) if html_only else text, subtype="html" if html_only else "plain")
    return mail.as_bytes()
