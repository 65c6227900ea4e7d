"""What HTML shows to its reader."""

import pytest

from rules.visible_text import visible_text


@pytest.mark.parametrize(
    "markup",
    [
        '<div style="display:none">unseen</div>seen',
        "<div style='color:red; DISPLAY : none !important'>unseen</div>seen",
        "<div style=display:none>unseen</div>seen",
        '<span style="visibility:hidden">unseen</span>seen',
        '<span style="font-size:0">unseen</span>seen',
        '<span style="font-size: 0.0px">unseen</span>seen',
        "<div hidden>unseen</div>seen",
        '<div class="x" hidden="">unseen</div>seen',
        "<div hidden>unseen<div>unseen</div>unseen</div>seen",
        "<div hidden>unseen<div style='display:block'>unseen</div></div>seen",
        "<div hidden>unseen<br>unseen<!-- </div> -->unseen</div>seen",
        "<p hidden>unseen<br>unseen</p>seen",
        "<p hidden>unseen<p>seen",
        "<p hidden>unseen<p hidden>unseen<div>seen</div>",
        "<blockquote hidden>unseen</blockquote>seen",
        "seen<div hidden>unseen",
    ],
)
def test_h43_what_is_hidden_is_not_read(markup: str) -> None:
    assert "seen" == visible_text(markup)


@pytest.mark.parametrize(
    "markup",
    [
        '<td style="font-size:0px"><div style="font-size:13px">seen</div></td>',
        '<div style="visibility:hidden"><b style="visibility:visible">seen</b></div>',
        '<span style="font-size:0.9em">seen</span>',
        '<span style="font-size:05px">seen</span>',
        '<div class="hidden" aria-hidden="true" title="display:none">seen</div>',
        '<div style="overflow:hidden; text-decoration:none">seen</div>',
        '<div data-style="display:none">seen</div>',
        '<input type=hidden>seen<img style="display:none">',
        '<input type="hidden" hidden>seen',
        "</div hidden>seen",
    ],
)
def test_h43_what_only_resembles_hiding_hides_nothing(markup: str) -> None:
    assert "seen" == visible_text(markup)


@pytest.mark.parametrize("before", ["", "<div hidden>", "<p style='font-size:0'>", "<div "])
@pytest.mark.parametrize(
    "piece",
    [
        "<div hidden>",
        "<p hidden>",
        "</div>",
        "<div style=",
        "<a style='",
        "<b hidden ",
        '<b style="font-size:' + "0" * 3000,
        "<i style='font-size:0'><b style='font-size:1'>",
    ],
    ids=lambda piece: piece[:16],
)
def test_h55_hostile_markup_is_read_to_the_end(before: str, piece: str) -> None:
    """A pattern that goes back over the text would need hours for these, so that the end alone is proof; nothing is timed."""
    assert "" == visible_text(before + piece * (500_000 // len(piece))).strip()
