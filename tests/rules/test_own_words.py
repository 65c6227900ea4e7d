"""What a person wrote, without quotations, forwarded messages and signatures."""

import pytest

from rules.own_words import first_words, own_words, rejoined


@pytest.mark.parametrize(
    "announcement",
    [
        "On Mon, Jun 1, 2026 at 10:00 AM Alit <info@alit.example> wrote:",
        "On Mon, Jun 1, 2026 at 10:00 AM Alit\n<info@alit.example> wrote:",
        "01.06.2026 10:00, Alit пишет:",
        "пн, 1 июн. 2026 г. в 10:00, Alit <info@alit.example>:",
        '01.06.2026, 10:00, "Alit" <info@alit.example>:',
        "Понедельник, 1 июня 2026, 10:00 +05:00 от Alit <info@alit.example> написал(а):",
        "2026 ж. 1 маусым 10:00 Alit <info@alit.example> жазды:",
        "-----Original Message-----",
        "----- Исходное сообщение -----",
        "---------- Forwarded message ---------",
        "-------- Пересылаемое сообщение --------",
        "Begin forwarded message:",
        "Начало переадресованного сообщения:",
        "From: Alit <info@alit.example>\nSent: Monday, June 1, 2026 10:00\nTo: Anna\nSubject: Hello",
        "От: Alit <info@alit.example>\nОтправлено: 1 июня 2026\nКому: Anna\nТема: Привет",
        "*Кімнен:* Alit\n*Күні:* 2026 ж. 1 маусым\n*Кімге:* Anna",
        "Кімнен: Alit <info@alit.kz>\nЖіберілген күні: 2026 ж. 5 қаңтар\nКімге: Anna",
    ],
)
def test_h51_what_follows_an_announced_quotation_is_not_the_senders(announcement: str) -> None:
    assert "Thank you." == own_words(f"Thank you.\n\n{announcement}\n\nI revoke my consent.\n")


@pytest.mark.parametrize("mark", [">", "> >", "|", ">>", " >"])
def test_h51_quoted_lines_are_not_the_senders(mark: str) -> None:
    assert "Yes.\n\nNo." == own_words(f"Yes.\n{mark} I revoke my consent.\nNo.")


def test_an_answer_below_the_quotation_is_the_senders() -> None:
    text = "On Mon, Jun 1, 2026 Alit <info@alit.example> wrote:\n\n> Answer YES or NO.\n> Thank you.\n\nДА\n"
    assert "ДА" == own_words(text)
    assert "ДА" == first_words(text)


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAnna",
        "С уважением,\nАнна",
        "С уважением, Анна",
        "С уважением Анна",
        "Best regards,\nAnna",
        "Kind regards",
        "Құрметпен, Анна",
        "Құрметпен",
    ],
)
def test_a_signature_is_cut(signature: str) -> None:
    assert "My new phone: +7 700 000 10 01" == own_words(f"My new phone: +7 700 000 10 01\n\n{signature}\n+7 700 000 99 99\n")


@pytest.mark.parametrize(
    "text",
    [
        "С уважением прошу удалить мои данные",
        "От: Иванова Анна\nПрошу удалить мои данные",
        "Кому: ТОО «Алит»\nОт: Анна\nТема: отзыв согласия",
        "Regards to your team, please delete my data",
        "Вот что я написал:\nпрошу удалить мои данные",
        "Мой адрес:\nanna@client.example",
        "- удалите телефон\n- удалите адрес",
        "From: Almaty\nplease stop",
    ],
)
def test_a_letter_that_only_resembles_one_is_kept_whole(text: str) -> None:
    assert text == own_words(text)


WRAPPED = "Здравствуйте! Прошу Вас в ближайшее время полностью удалить все мои\nперсональные данные."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (WRAPPED, WRAPPED.replace("\n", " ")),
        (f"{WRAPPED}\n\n{WRAPPED}", f"{WRAPPED}\n\n{WRAPPED}".replace("мои\n", "мои ")),
        ("да\nспасибо", "да\nспасибо"),
        (f"{'x' * 70}\nУдалите", f"{'x' * 70}\nУдалите"),
        ("x" * 54 + "\nthere", "x" * 54 + "\nthere"),
        ("x" * 55 + "\nthere", "x" * 55 + " there"),
        ("", ""),
    ],
)
def test_a_line_that_a_mail_program_broke_goes_on(text: str, expected: str) -> None:
    assert expected == rejoined(text)


def test_the_first_words_are_the_first_lines_that_hold_anything() -> None:
    assert "one\ntwo" == first_words("> zero\n\none\n\n  two\nthree", lines=2)
    assert "" == first_words("")


@pytest.mark.parametrize(
    "line", ["\n", "x\n", ">\n", ":\n", "@:\n", "от:\n", "From: x\nSent\n", "wrote:\n>\n", "--- \n", "*" * 79 + "\n", "On 1\n", "x", " "]
)
def test_h55_hostile_text_is_read_to_the_end(line: str) -> None:
    """A pattern that goes back over the text would need hours for this, so that the end alone is proof; nothing is timed."""
    text = line * (1_000_000 // len(line))
    assert len(rejoined(own_words(text))) <= len(text)
