"""The messages of the demo, made of ``samples.toml``."""

import email.policy
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from importlib.resources import files

from mailbot.errors import Problem


@dataclass(frozen=True, slots=True)
class Sample:
    """One message: who writes what, and as what it must end."""

    sender: str
    subject: str
    expected: str
    text: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    answers: str | None = None
    """Whose acknowledgement it answers, if any."""


def read_samples() -> dict[str, tuple[Sample, ...]]:
    """Return what arrives in the inbox of each operator, by the name of the operator's policy."""
    written = tomllib.loads((files("mailbot.demo") / "samples.toml").read_text(encoding="utf-8"))
    everyone = written.pop("everyone")
    return {policy: tuple(Sample(**line) for line in (*own, *everyone)) for policy, own in written.items()}


def compose(sample: Sample, recipient: str, message_id: str, date: datetime, letters: Sequence[EmailMessage]) -> bytes:
    """Write a message as its sender's mail program does; ``letters`` are those that an answer may answer."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Date"] = sample.sender, recipient, date
    fields = {"Message-ID": message_id, "Subject": sample.subject, **sample.fields}
    if sample.answers is not None:
        answered = next((letter for letter in letters if letter["To"] == sample.answers), None)
        if answered is None:
            raise Problem(f"no letter went to {sample.answers}, and one was to be answered")
        fields |= {"Subject": f"{sample.subject} {answered['Subject']}", "In-Reply-To": answered["Message-ID"]}
    for name, value in fields.items():
        message[name] = value
    message.set_content(sample.text)
    return message.as_bytes()
