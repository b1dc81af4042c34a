"""Each message is measured at its longest: what fits, what is too long by how much, what is not there."""

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
    ("values", "misfit"),
    [
        ({"clinic": "Riverside Clinic"}, []),
        ({"clinic": "W" * 24, "emergency": "112", "phone": "020 7946 0958"}, []),
        ({"clinic": "W" * 25}, ["sms.en.txt"]),
        ({"clinic": "Clínica Río"}, ["sms.en.txt", "sms.es.txt"]),
        ({"clinic": "W" * 24, "phone": "8 (301) 123-45-67"}, ["sms.en.txt", "sms.es.txt"]),
    ],
)
def test_what_a_site_signs_with_may_be_too_much(values: dict[str, str], misfit: list[str]) -> None:
    assert [one.name.split("/")[-1] for one in wordings.misfits(values)] == misfit
