"""From a table of the configuration to the relay that it names."""

from mailbot.config import AlarmRelay, Smtp
from mailbot.smtp import Relay


def relay_of(smtp: Smtp | AlarmRelay, password: str | None) -> Relay:
    """Return where letters are handed over, and as whom; nobody in particular without a password."""
    ca_file = str(smtp.tls_ca_file) if smtp.tls_ca_file else None
    return Relay(smtp.host, smtp.port, smtp.tls, ca_file, smtp.user if password else None, password, smtp.timeout_seconds)
