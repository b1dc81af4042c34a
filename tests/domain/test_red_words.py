"""Red phrases are found however people type them, and only as whole words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.domain.red_words import finder, plain
from tests.domain.pack import PROTOCOL

FIND = finder({"en": ("can't breathe",), "es": ("me desmayé",)})


@pytest.mark.parametrize(
    "text",
    [
        "I can't breathe",
        "I CANT BREATHE!!",
        "can’t\nbreathe",
        "hoy me desmayé dos veces",
        "me  desmaye",
        "me-desmaye\u0301",
    ],
)
def test_a_phrase_is_found_whatever_its_capitals_accents_and_marks(text: str) -> None:
    assert FIND(text)


@pytest.mark.parametrize("text", ["", "I can breathe", "I can't breathed", "scan't breathe", "¿me desmayó?"])
def test_other_words_are_left_alone(text: str) -> None:
    assert not FIND(text)


def test_a_pack_without_phrases_finds_nothing() -> None:
    assert not finder({})("can't breathe")


def test_text_is_read_in_small_letters_and_single_spaces() -> None:
    assert plain("  ¡No   PUEDO respirar!  ") == "no puedo respirar"


@given(st.text(st.characters(max_codepoint=127)))
def test_a_text_without_accents_reads_the_same_beside_one_with_them(text: str) -> None:
    assert plain(f"{text} é") == f"{plain(text)} e".lstrip()


@given(st.text(st.sampled_from("abé -'_!")), st.sampled_from(["a", "ab", "b a"]))
def test_a_phrase_is_found_where_its_words_follow_on_each_other(text: str, phrase: str) -> None:
    assert finder({"en": (phrase,)})(text) == (f" {phrase} " in f" {plain(text)} ")


def test_every_phrase_of_the_shipped_pack_is_found_as_written() -> None:
    find = finder(PROTOCOL.red_words)

    assert all(find(f"hello, {phrase}.") for phrases in PROTOCOL.red_words.values() for phrase in phrases)
