"""Phone numbers and mail addresses in a text: where they stand, and how they are recorded.

Numbers that only look like a phone (an IIN, a card, an account, a contract) are not returned. The two libraries are imported when a
candidate is met: most letters hold none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rules.details_change import Field

_EMAIL = (
    r"(?P<email>[\w.!#$%&'*+/=?^`{|}~-]{1,64} ?@ ?(?:[a-z0-9-]{1,63}\.){1,8}[a-z][a-z0-9]{1,62}"
    r"|[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d]{2,63})"
)
_PHONE = (
    r"(?P<phone>(?<![\w@+])(?<!\d[ .-])(?:\+\s?7|8|7)?[ (.-]{0,2}[79]\d\d[ ).-]{0,2}(?:\d[ .-]?){6}\d(?![ .-]?\d)"
    r"|(?<![\w@+])\+\s?7[ (.-]{0,2}[79]\d\d[ ).-]{0,2}(?:\d[ .-]?){6}\d(?!\d)"
    r"|(?<![\w@+])\+\d{1,3}(?:[ ().-]{0,2}\d){7,12}(?!\d))"
)
_CANDIDATE = re.compile(rf"{_EMAIL}|{_PHONE}", re.IGNORECASE)
_NUMBER = re.compile(rf"(?=[+\d (.-]){_PHONE}")
"""What is left to look for in a text without an @: an address would be begun at each of its letters."""
_OTHER_NUMBER = re.compile(
    r"(?:№|#|\b(?:contract|invoice|receipt|waybill|inv|clause|order|ticket|card|account|iban|id|договор\w*|счет\w*|пункт\w*|заказ\w*|заявк\w*|накладн\w*|квитанци\w*|талон\w*|чек\w?|карт\w+|иин|бин|"
    r"жсн|бсн|удостоверени\w*|шарт\w*|тапсырыс\w*|шот\w*|жеке\s+куәлік\w*|сумм\w+|sum|amount|сома\w*|төлем\w*))\W{0,3}(?:number|номер|нөмірі?|no|№)?\W{0,3}$",
    re.IGNORECASE,
)
_BEFORE = 40
_CORRESPONDENT = re.compile(r"[^\W\d][ \t\"]?<$|\"[ \t]<$")
"""What stands before the address of somebody who is only named: "Author: Anna Lee <anna@mail.example>"."""
_AMOUNT = re.compile(r"\s?(?:тенге|теңге|тг|руб|долл|kzt|usd|eur|₸|\$|€)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Contact:
    """A phone number or an address as it is recorded, and where it stands in the text."""

    field: Field
    value: str
    start: int
    end: int


def contacts_in(text: str) -> Iterator[Contact]:
    """Yield the phone numbers and the mail addresses that stand in a text, in order."""
    if "@" not in text and "0" not in text and sum(map(str.isdigit, text)) < 10:
        return
    for found in (_CANDIDATE if "@" in text else _NUMBER).finditer(text):
        field = Field.PHONE if found["phone"] else Field.EMAIL
        if field is Field.EMAIL:
            value = None if _CORRESPONDENT.search(text[max(0, found.start() - 3) : found.start()]) else as_address(found[0])
        elif _OTHER_NUMBER.search(text[max(0, found.start() - _BEFORE) : found.start()]) or _AMOUNT.match(text, found.end()):
            value = None
        else:
            value = as_phone(found[0])
        if value:
            yield Contact(field, value, found.start(), found.end())


_OF_KAZAKHSTAN = re.compile(r"[78](7\d{9})")
"""Nearly every number here, written whole; the library says the same of it, and is large and slow to load."""


def as_phone(written: str) -> str | None:
    """Return a phone number as + and digits (E.164); a leading 8, or ten digits, is of Kazakhstan. None if it can be no number."""
    digits = "".join(filter(str.isdigit, written))
    if (local := _OF_KAZAKHSTAN.fullmatch(digits)) and (digits[0] == "7" or "+" not in written):
        return f"+7{local[1]}"
    return as_the_library_writes(written, digits)


def as_the_library_writes(written: str, digits: str) -> str | None:
    """Return any number as + and digits; ``digits`` are those of ``written``."""
    from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_possible_number, parse

    try:
        # Only possible, not valid: ranges are opened faster than the tables are renewed.
        number = parse(written if len(digits) != 11 or digits[0] != "7" else f"+{digits}", "KZ")
    except NumberParseException:
        return None
    return format_number(number, PhoneNumberFormat.E164) if is_possible_number(number) else None


def as_address(written: str) -> str | None:
    """Return a mail address in lower case; None if its syntax is wrong. No name server is asked."""
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(written.strip("'").replace(" ", ""), check_deliverability=False, test_environment=True, allow_smtputf8=False)
    except EmailNotValidError:
        return None
    return found.normalized.lower()
