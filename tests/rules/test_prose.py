"""English texts about programs and things, as mailing lists and documentation have them: the law's words, and nobody who asks."""

import pytest

from mailbot.policies import load_policy
from rules.recognition import Recogniser
from rules.vocabulary import Outcome

SUBJECTS = ("", "Re:", "Notes")
NOBODY = (
    "The process removes all personal data of the user from the list and deletes the account when the timer ends. The data are no longer "
    "processed after that, and the user gets no more messages from the server.",
    "End the sending of data to the remote server. Any data already sent ends with a dot, and the transmission is over when a reply came.",
    "There is an option to stop the mailing of reports: the list of subscribers is deleted, each of the addresses is removed from it, and "
    "the next run of the server begins with an empty list.",
    "The customer's phone number is changed in the register by the operator, and the new phone number: +7 700 000 00 17 is shown there.",
)
PROGRAMS = (
    "I would object to the automatic choice:\nresult = self.decide(system, automated=None)\nPlease use process_data(args) -> dict.",
    'name: {"given": name, "data": my_data}\nThanks for the patch, I changed `name` to `new_name`, and data() is gone from self.args.',
    "typedef struct { void *data; int (*release)(void *data); } encoding; /* my consent -> void */ #define remove(data) delete[] data;",
)
PEOPLE = (
    "Delete my personal data.",
    "I hereby revoke my consent to the processing of my personal data. The contract ended in May, the invoice of the year is paid, and the "
    "goods are back.",
)


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    """Return a recogniser under one of the policies."""
    return Recogniser(load_policy("kazger"))


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("body", NOBODY + PROGRAMS)
def test_a_text_in_which_nobody_asks_is_never_taken_for_a_request_and_never_answered(
    recogniser: Recogniser, subject: str, body: str
) -> None:
    reading = recogniser.recognise(subject, body)
    assert Outcome.REQUEST is not reading.outcome
    assert Outcome.ORDINARY is reading.outcome or not reading.is_plausible


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("body", PEOPLE)
def test_a_person_who_asks_in_few_words_or_in_many_is_heard(recogniser: Recogniser, subject: str, body: str) -> None:
    assert Outcome.REQUEST is recogniser.recognise(subject, body).outcome


def test_an_update_that_is_only_like_others_and_brings_nothing_of_the_writers_own_is_left_to_a_person(recogniser: Recogniser) -> None:
    body = (
        "Hi,\n\nI'm sorry but I'm using a provider which although big and wealthy can't seem to generate standard compliant email. :(\n\n"
        "This message has a Content-Type: header with no subtype. I hope you can still read it.\n\n-Me"
    )
    assert Outcome.REQUEST is not recogniser.recognise("This is a test message", body).outcome


def test_words_that_are_known_in_another_spelling_alone_and_only_like_a_request_are_left_to_a_person(recogniser: Recogniser) -> None:
    reading = recogniser.recognise(
        "Документация", "Пакет %s зафиксирован и не будет обработан. Если вас это не устраивает, используйте --force-hold."
    )
    assert Outcome.HELD is reading.outcome


MACHINES = (
    "I am on leave until Monday and will answer after that. For urgent matters call +7 700 000 00 00.",
    "Я нахожусь в отпуске до 20.12. По срочным вопросам обращайтесь к Асель.",
    "Мен демалыстамын, дүйсенбіде жауап беремін.",
    'Thank you for contacting us. Your request "Please delete all my personal data" has been received.',
    "Ваша заявка «Отказ от уведомлений» принята в работу. Ожидайте ответа.",
    "Хатыңыз қабылданды, жауап күтіңіз.",
    "Мы ответим вам в течение двух рабочих дней. Это автоматическое сообщение.",
)


@pytest.mark.parametrize("body", MACHINES)
def test_h82_an_answer_of_a_machine_that_does_not_say_so_in_its_header_is_left_to_a_person(recogniser: Recogniser, body: str) -> None:
    reading = recogniser.recognise("Re: Отзыв согласия на обработку персональных данных", body)
    assert (Outcome.HELD, False) == (reading.outcome, reading.is_plausible)


@pytest.mark.parametrize(
    "body", ["Пишу из отпуска.", "I am on leave, and still: stop sending me messages.", "Получен ли мой прошлый отзыв?"]
)
def test_a_person_who_tells_of_leave_and_asks_is_heard(recogniser: Recogniser, body: str) -> None:
    assert Outcome.REQUEST is recogniser.recognise("Отзыв согласия на обработку персональных данных", body).outcome
