"""Segments are counted as a carrier counts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.messaging import gsm7
from survey.messaging.gsm7 import Encoding


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("", Encoding.GSM7, 1),
        ("a" * 160, Encoding.GSM7, 1),
        ("a" * 161, Encoding.GSM7, 2),
        ("a" * 306, Encoding.GSM7, 2),
        ("a" * 307, Encoding.GSM7, 3),
        ("€" * 80, Encoding.GSM7, 1),
        ("€" * 81, Encoding.GSM7, 2),
        ("a" * 159 + "{", Encoding.GSM7, 2),
        ("a" * 152 + "{" + "a" * 10, Encoding.GSM7, 2),
        ("¿Se siente mal? Ñandú", Encoding.UCS2, 1),
        ("¿Se siente mal? Ñ", Encoding.GSM7, 1),
        ("–", Encoding.UCS2, 1),
        ("ó" * 70, Encoding.UCS2, 1),
        ("ó" * 71, Encoding.UCS2, 2),
        ("😀" * 35, Encoding.UCS2, 1),
        ("😀" * 36, Encoding.UCS2, 2),
    ],
)
def test_segments(text: str, encoding: Encoding, count: int) -> None:
    assert gsm7.segments(text) == (encoding, count)


def test_the_alphabet_is_whole() -> None:
    assert len(gsm7.BASIC) == 127  # 128 places, of which one is the escape
    assert len(gsm7.EXTENSION) == 10
    assert not gsm7.BASIC & gsm7.EXTENSION


@given(st.text(max_size=400), st.text(max_size=20))
def test_more_text_never_takes_fewer_segments(text: str, more: str) -> None:
    assert gsm7.segments(text + more)[1] >= gsm7.segments(text)[1]


def test_the_signs_that_cost_a_segment_are_named() -> None:
    assert gsm7.foreign("más – ok") == "á–"


@pytest.mark.parametrize(("text", "excess"), [("a" * 160, 0), ("a" * 159 + "{", 1), ("ó" * 73, 3), ("", 0)])
def test_what_is_too_much_for_one_segment_is_counted(text: str, excess: int) -> None:
    assert gsm7.excess(text) == excess
