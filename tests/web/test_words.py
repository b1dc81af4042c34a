"""The words around the questions: complete in every language, plain, and never soothing."""

import re
from datetime import UTC, datetime
from string import Formatter

import pytest
from flask import Flask, g

from survey.settings import ROOT
from survey.web import words
from tests.cast import RIVERSIDE

LANGUAGES = list(words.LOCALES)
USED = re.compile(r'(?<!\.)say\("(\w+)"')
SOOTHING = re.compile(r"don.t worry|no se preocupe|nothing to worry", re.IGNORECASE)
TREATMENT = re.compile(r"inject|shot|trigger|needle|muscle|inyecci|aguja|músculo", re.IGNORECASE)
VOWELS = re.compile(r"[aeiouy]+")


@pytest.fixture
def app() -> Flask:
    return Flask(__name__)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def grade(text: str) -> float:
    """The Flesch-Kincaid grade of English sentences."""
    spoken = re.findall(r"[a-z']+", text.lower())
    sentences = max(1, len(re.findall(r"[.?!]+", text)))
    syllables = sum(max(1, len(VOWELS.findall(re.sub(r"e$", "", word)))) for word in spoken)
    return 0.39 * len(spoken) / sentences + 11.8 * syllables / len(spoken) - 15.59


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_sentence_with_the_same_gaps(language: str):
    english, other = words.catalogue("en"), words.catalogue(language)

    assert set(other) == set(english)
    assert {key: placeholders(text) for key, text in other.items()} == {
        key: placeholders(text) for key, text in english.items()
    }
    assert all(text.strip() for text in other.values())


def test_every_sentence_that_a_page_says_is_in_the_catalogue():
    sources = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "survey/web").rglob("*.py")]
    used = {key for source in sources for key in USED.findall(source.read_text(encoding="utf-8"))}

    assert used <= set(words.catalogue("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_soothes_or_names_the_treatment(language: str):
    text = " ".join(words.catalogue(language).values())

    assert not SOOTHING.search(text)
    assert not TREATMENT.search(text)


def test_the_english_is_at_or_below_grade_six():
    whole = [text for text in words.catalogue("en").values() if text.endswith((".", "?")) and "{" not in text]

    assert len(whole) > 20
    assert grade(" ".join(whole)) <= 6


def test_spanish_sentences_are_short():
    whole = [text for text in words.catalogue("es").values() if text.endswith((".", "?"))]

    assert max(len(sentence.split()) for text in whole for sentence in re.split(r"[.?!;]", text)) <= 18


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", ("9:05 PM", "Wednesday, March 11")), ("es", ("9:05 pm", "miércoles 11 de marzo"))],
)
def test_times_are_written_as_people_there_write_them_on_the_clinics_clock(app: Flask, language: str, expected):
    instant = datetime(2026, 3, 12, 1, 5, tzinfo=UTC)
    with app.app_context():
        g.language = language
        time, day = words.clock_time(instant, RIVERSIDE), words.day(instant, RIVERSIDE)

    assert (re.sub(r"\s", " ", time), day) == expected


def test_a_time_that_could_be_another_days_says_which_day(app: Flask):
    now = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
    with app.app_context():
        soon = words.time_or_day(datetime(2026, 3, 12, 1, 0, tzinfo=UTC), RIVERSIDE, now)
        today = words.time_or_day(datetime(2026, 3, 11, 20, 0, tzinfo=UTC), RIVERSIDE, now)
        tomorrow = words.time_or_day(datetime(2026, 3, 12, 20, 0, tzinfo=UTC), RIVERSIDE, now)

    assert today.startswith("4:00")
    assert soon.startswith("9:00")
    assert tomorrow.startswith("Thursday, March 12, 4:00")


def test_a_phone_number_is_written_as_people_there_write_it():
    assert words.phone("+12025550100") == "(202) 555-0100"
    assert words.phone("+442079460123") == "+44 20 7946 0123"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Look at it. Do you see any of this? Mark it.", ("Look at it.", "Do you see any of this?", "Mark it.")),
        ("Desde ayer, ¿ha cambiado?", ("", "Desde ayer, ¿ha cambiado?", "")),
        ("Say it.", ("", "Say it.", "")),
    ],
)
def test_the_question_is_found_among_its_sentences(text: str, parts: tuple[str, str, str]):
    assert words.question_parts(text) == parts


def test_a_gap_is_filled_with_what_is_safe_to_show():
    filled = words.fill("Call {phone} & {other}.", {"phone": "<b>"})

    assert filled == "Call &lt;b&gt; &amp; {other}."


def test_every_refusal_of_an_answer_has_its_sentence():
    keys = {
        *("answer_each_line", "choose_number", "choose_one", "number_out_of_range", "too_long", "too_many_decimals"),
        *("write_number", "write_something", "write_whole_number"),
    }

    assert keys <= set(words.catalogue("en"))
