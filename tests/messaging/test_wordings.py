"""Each message is measured at its longest: what fits, what is too long by how much, what is not there."""

from datetime import date
from pathlib import Path

import pytest

from survey.messaging import render, wordings
from tests import invitation_words


def text_in(language: str) -> wordings.Wording:
    return next(one for one in wordings.at_longest([language]) if f"/sms.{language}." in one.name)


def test_every_shipped_message_fits_in_every_language() -> None:
    every = wordings.at_longest(render.languages("invitation"))

    assert [one.name.split("/")[-1] for one in every[:3]] == ["sms.en.txt", "email.en.txt", "email_subject.en.txt"]
    assert {(one.segments, one.excess, one.foreign, one.missing) for one in every} == {(1, 0, "", None)}


def test_a_text_that_is_too_long_says_by_how_many_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = invitation_words.folder(tmp_path, monkeypatch)
    text = (words / "sms.en.txt").read_text(encoding="utf-8").strip()
    (words / "sms.en.txt").write_text(f"{text}!!!", encoding="utf-8")

    assert (text_in("en").segments, text_in("en").excess) == (2, 3)


def test_a_text_with_a_sign_of_another_alphabet_names_the_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = invitation_words.folder(tmp_path, monkeypatch)
    (words / "sms.es.txt").write_text("Atención {clinic} {link} {phone} {emergency} STOP", encoding="utf-8")

    assert (text_in("es").segments, text_in("es").foreign) == (2, "ó")


def test_a_language_without_words_and_a_name_that_is_not_allowed_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = invitation_words.folder(tmp_path, monkeypatch)
    (words / "sms.fr.txt").write_text("{clinic} {link} {diagnosis}", encoding="utf-8")

    told = [one.missing for one in wordings.at_longest(["fr"])]

    assert told[0] == "sms.fr.txt of invitation may not name diagnosis."
    assert told[1] == "There is no message invitation/email.fr."


@pytest.mark.parametrize(
    ("day", "english", "spanish"),
    [(11, "Wednesday", "miércoles"), (13, "Friday", "viernes"), (14, "Saturday", "sabado")],
)
def test_a_weekday_is_written_without_the_accents_that_cost_a_segment(day: int, english: str, spanish: str) -> None:
    asked = date(2026, 3, day)

    assert (wordings.weekday(asked, "en"), wordings.weekday(asked, "es")) == (english, spanish)
