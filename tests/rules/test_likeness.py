"""How like a letter is to letters that ask: the second reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.policies import load_policy
from rules.evidence.alike import ALIKE, UNLIKE
from rules.lexicon.letter import opened
from rules.likeness import EVERY, WORDS_WEIGHED, likeness, words_alike
from rules.recognition import Recogniser
from rules.vocabulary import Certainty, Outcome, RequestType
from tests import learn


def test_the_weights_are_what_the_labelled_letters_teach() -> None:
    assert learn.told(learn.letters()) == learn.FILE.read_text(encoding="utf-8"), "the letters changed: run `make learn`"


def test_of_what_is_taught_the_pieces_of_letters_that_ask_weigh_more() -> None:
    asks, tells = learn.Taught(frozenset({"forg", "me"}), "destroy"), learn.Taught(frozenset({"invo", "me"}), "none")
    weights = learn.learnt([asks, tells] * 4)
    assert weights["forg"] > weights["me"] > weights["invo"]


def test_what_a_single_letter_holds_is_not_learnt() -> None:
    lessons = [learn.Taught(frozenset({"me", "once"}), "access"), learn.Taught(frozenset({"me"}), "none")]
    assert {EVERY, "me"} == learn.learnt(lessons).keys()


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Hello", "My neighbour gets your sms on my behalf. Whatever list I ended up in, strike me off it for good."),
        ("Добрый день", "Мою карточку из вашей программы пожалуйста выбросьте, лечусь теперь в другом месте"),
        ("Сәлем", "Маған күнде хат келе береді, енді жолдамай-ақ қойыңыздаршы, шаршадым"),
    ],
)
def test_who_asks_in_words_of_his_own_is_written_like_others_who_ask(subject: str, body: str) -> None:
    assert likeness(opened(subject, body)) > ALIKE


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Delivery", "The truck with pallets arrives on Thursday, please prepare the invoice and the certificate."),
        ("Акт сверки", "Направляем акт сверки и счёт-фактуру за октябрь, оригиналы почтой."),
        ("Жүк", "Жүк бейсенбіде келеді, шот пен жүкқұжатты дайындаңыздар."),
    ],
)
def test_business_is_not(subject: str, body: str) -> None:
    assert likeness(opened(subject, body)) < UNLIKE


def test_the_words_that_weigh_most_are_told_in_their_order() -> None:
    told = words_alike(opened("Hello", "Forget me, and forget my number")).split()
    assert told
    assert sorted(told, key=["hello", "forget", "me", "and", "my", "number"].index) == told


@given(st.text(max_size=300), st.text(max_size=600))
def test_a_likeness_is_a_part_of_one(subject: str, body: str) -> None:
    assert 0 <= likeness(opened(subject, body)) <= 1


def test_h55_what_stands_far_down_is_not_weighed() -> None:
    body = "далее " * WORDS_WEIGHED
    assert likeness(opened("", body)) == likeness(opened("", body + "удалите меня из базы"))


def test_a_letter_that_is_only_alike_is_held_without_an_answer() -> None:
    reading = Recogniser(load_policy("kazger")).recognise("Добрый день", "Мою карточку из вашей программы пожалуйста порвите")
    assert (Outcome.HELD, False) == (reading.outcome, reading.is_plausible)
    assert "карточку" in (reading.matched or "")


def test_the_operators_own_mark_is_not_doubted_for_the_business_beneath() -> None:
    body = "The truck with pallets arrives on Thursday, please prepare the invoice and the certificate."
    reading = Recogniser(load_policy("kazger")).recognise("Opt-out of Notifications", body)
    assert (Outcome.REQUEST, RequestType.OPT_OUT, Certainty.EXACT) == (reading.outcome, reading.type, reading.certainty)


STORY = "My lease of office 17 ended, the invoices are paid, the keys are returned and the deposit was refunded."


@pytest.mark.parametrize("prefix", ["Re: ", "Fwd: ", ""])
def test_a_mark_with_a_prefix_is_not_doubted_for_the_business_beneath(prefix: str) -> None:
    reading = Recogniser(load_policy("kazger")).recognise(f"{prefix}Opt-out of Notifications", STORY)
    assert (Outcome.REQUEST, RequestType.OPT_OUT) == (reading.outcome, reading.type)


def test_a_plain_demand_is_not_drowned_by_the_story_around_it() -> None:
    reading = Recogniser(load_policy("kazger")).recognise("Please delete my personal data", STORY)
    assert (Outcome.REQUEST, RequestType.DESTROY) == (reading.outcome, reading.type)


def test_words_that_ask_amid_words_of_business_are_doubted() -> None:
    reading = Recogniser(load_policy("wadjet")).recognise("Мекенжайымыз ауысты", "Құрылыс кеңсесі басқа ғимаратқа көшті, шоттар сол күйі.")
    assert (Outcome.HELD, "It has words that ask, but it is written like ordinary letters.") == (reading.outcome, reading.reason)


def test_who_gives_consent_does_not_take_it_back() -> None:
    reading = Recogniser(load_policy("kazger")).recognise("Согласие", "Даю согласие на обработку моих персональных данных.")
    assert (Outcome.ORDINARY, "It gives consent.") == (reading.outcome, reading.reason)


@pytest.mark.parametrize("text", ["What is that?", "\ufffd\x01 q%z ## \x7f xk wq zzx qqj"])
def test_too_few_words_are_like_nothing(text: str) -> None:
    assert Outcome.ORDINARY is Recogniser(load_policy("kazger")).recognise("Re:", text).outcome
