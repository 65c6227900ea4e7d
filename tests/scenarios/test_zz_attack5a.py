from contextlib import closing
from datetime import UTC, datetime, timedelta
import pytest
from rules.vocabulary import *
from storage.subscribers import suppressed_since
from tests.conftest import ConfigFile
from tests.scenarios.asking import FAILED, PASSED, Room, room, values
from tests.scenarios.outside import *
from tests.servers import CapturingSmtp, Dovecot
DANA = "dana@example.com"
REVOKE = "Revocation of consent to the processing of personal data"
UPDATE, NEW_PHONE = "Personal Data Update", "My new phone is 8 700 000 20 14, the old one was 8 700 000 20 13."

@pytest.fixture
def here(config_file, dovecot, smtp, mailbox):
    made = room(config_file, dovecot, smtp, mailbox)
    made.on_file(DANA)
    return made

def stopped(here):
    from storage.evidence import keys_of
    with store_of(here.config) as tx:
        return suppressed_since(tx, keys_of(tx).of_address(DANA)) is not None

def show(here, tag):
    print("\n==", tag, outcomes_in(here.config), [(r.reference, r.type, r.state, r.standing, r.flags, r.outcome, r.reason) for r in requests_in(here.config)], [(l.kind, l.state) for l in letters_in(here.config)], "stopped", stopped(here), "lines", [(l.outcome, l.reason) for l in lines_in(here.config)] if "lines_in" in globals() else "")

@pytest.mark.parametrize("first", [FAILED, "X-Spam-Flag: YES", "Date2: x"])
@pytest.mark.parametrize("subject", [REVOKE, "Opt-out of Notifications", UPDATE, "Request for access to my personal data"])
def test_first(here, first, subject):
    here.write(DANA, subject, "Please do. " + (NEW_PHONE if subject == UPDATE else ""), first)
    show(here, first + subject)
    here.write(DANA, subject, "Please do it at last. " + (NEW_PHONE if subject == UPDATE else ""), PASSED)
    show(here, "then aligned")

@pytest.mark.parametrize("says", ["ДА. Также прошу удалить все мои персональные данные.", "Yes. And my e-mail is new, too: dana2@example.com", "YES. Also send me a copy of my personal data."])
def test_yes_and_more(here, says):
    here.write(DANA, UPDATE, NEW_PHONE)
    here.answer(here.letter_to(DANA), DANA, says)
    show(here, says)

def html(letter, body):
    import base64
    return base64.b64encode(body.encode()).decode()

OUTLOOK = """<html><body><div dir="ltr">{yes}</div><div>Отправлено с iPhone</div><br><hr><div><b>От:</b> Info &lt;info@alit.kz&gt;<br><b>Отправлено:</b> 5 января 2026 г. 10:00<br><b>Кому:</b> dana@example.com<br><b>Тема:</b> {subject}<br></div><div>{letter}</div></body></html>"""
GMAIL = """<div dir="ltr">{yes}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">пн, 5 янв. 2026 г. в 10:00, Info &lt;<a href="mailto:info@alit.kz">info@alit.kz</a>&gt;:<br></div><blockquote class="gmail_quote" style="margin:0">{letter}</blockquote></div>"""
KKOUT = """<html><body><p>{yes}</p><div style='border:none;border-top:solid #E1E1E1 1.0pt'><p><b>Кімнен:</b> Info &lt;info@alit.kz&gt;<br><b>Жіберілген күні:</b> 5 қаңтар 2026 ж. 10:00<br><b>Кімге:</b> dana@example.com<br><b>Тақырыбы:</b> {subject}</p></div><div>{letter}</div></body></html>"""
MAILRU = """<div>{yes}</div><div>--<br>Отправлено из Mail для Android</div><blockquote>Понедельник, 5 января 2026, 10:00 +05:00 от Info &lt;info@alit.kz&gt;:<br>{letter}</blockquote>"""
YA = """<div>{yes}</div><div> </div><div>05.01.2026, 10:00, "Info" &lt;info@alit.kz&gt;:</div><blockquote><p>{letter}</p></blockquote>"""
IPHONE = """<html><body dir="auto">{yes}<br id="lineBreakAtBeginningOfSignature"><div dir="ltr">Отправлено с iPhone</div><div dir="ltr"><br><blockquote type="cite">5 янв. 2026 г., в 10:00, info@alit.kz написал(а):<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">{letter}</div></blockquote></body></html>"""
@pytest.mark.parametrize("form", ["OUTLOOK", "GMAIL", "KKOUT", "MAILRU", "YA", "IPHONE"])
@pytest.mark.parametrize("yes", ["Да", "ИӘ, растаймын"])
def test_html(here, form, yes):
    here.write(DANA, UPDATE, NEW_PHONE)
    letter = here.letter_to(DANA)
    body = globals()[form].format(yes=yes, subject=letter["Subject"], letter="<br>".join(letter.get_content().splitlines()))
    subject = " ".join(letter["Subject"].split())
    raw = "\r\n".join([f"From: {DANA}", "To: info@alit.kz", "Message-ID: <h@x.example>", f"In-Reply-To: {letter['Message-ID']}", f"Subject: Re: {subject}", "Date: Mon, 5 Jan 2026 10:00:00 +0500", "MIME-Version: 1.0", "Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: base64", "", ""]).encode() + html(letter, body).encode()
    append_all(here.dovecot, here.mailbox, [raw]); run_once(here.config)
    show(here, form + yes)
    assert here.request().confirmed_at

@pytest.mark.parametrize("says", ["Да.\r\n\r\nОтправлено с iPhone", "Иә\r\n\r\nМенің iPhone-нан жіберілді", "Yes\r\n\r\nSent from my iPhone", "ДА,\r\nя подтверждаю.\r\n\r\nС уважением,\r\nДана Нетова", "**Да**", "«Да»", "Да!\r\n\r\n\r\nGet Outlook for Android<https://aka.ms/x>", "Здравствуйте! Да", "Подтверждаю", "Иә, жоқ емес"])
def test_plain(here, says):
    here.write(DANA, UPDATE, NEW_PHONE)
    here.answer(here.letter_to(DANA), DANA, says)
    show(here, says)
