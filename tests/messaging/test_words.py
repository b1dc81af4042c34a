"""Every text is one segment at its longest, says where to turn in an emergency, and says nothing about anybody."""

import re

import pytest

from survey.interop import phones
from survey.messaging import gsm7, registry, render, wordings
from survey.messaging.gsm7 import Encoding

LANGUAGES = render.languages("invitation")
LONGEST = {
    "clinic": "W" * 24,
    "link": "https://" + "w" * (registry.LONGEST_PUBLIC_URL - 8) + "/s/" + "w" * 22,
    "phone": phones.national("+12025550100"),
    "emergency": "911",
}
HEALTH = re.compile(
    r"inject|needle|trigger|pain|sore|infect|bleed|muscle|surgery|procedure|inyec|aguja|dolor|sangr|cirug|procedim",
    re.IGNORECASE,
)


def every_text() -> list[tuple[str, str]]:
    return [
        (language, render.text("invitation", channel, language, LONGEST))
        for language in LANGUAGES
        for channel in ("sms", "email", "email_subject")
    ]


def test_the_proof_looks_at_texts_that_are_as_long_as_these() -> None:
    assert wordings.LONGEST == LONGEST


def test_english_and_spanish_are_there() -> None:
    assert LANGUAGES == ("en", "es")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_longest_text_is_one_gsm_segment(language: str) -> None:
    text = render.text("invitation", "sms", language, LONGEST)

    assert gsm7.foreign(text) == ""
    assert gsm7.segments(text) == (Encoding.GSM7, 1), f"{len(text)} signs"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_names_clinic_link_phone_emergency_line_and_stop(language: str) -> None:
    text = render.text("invitation", "sms", language, LONGEST)

    assert text.startswith(LONGEST["clinic"])
    assert all(value in text for value in LONGEST.values())
    assert "STOP" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_names_link_phone_and_emergency_line(language: str) -> None:
    body = render.text("invitation", "email", language, LONGEST)

    assert all(value in body for value in LONGEST.values())


@pytest.mark.parametrize(("language", "text"), every_text())
def test_no_message_names_a_procedure_or_says_not_to_worry(language: str, text: str) -> None:
    assert not HEALTH.search(text), language
    assert not re.search(r"worry|preocup", text, re.IGNORECASE)


def test_a_link_is_followed_by_a_line_break_so_that_no_sign_sticks_to_it() -> None:
    for language in LANGUAGES:
        assert f"{LONGEST['link']}\n" in render.text("invitation", "sms", language, LONGEST)


def test_a_missing_variable_is_refused() -> None:
    with pytest.raises(render.NoWords, match="needs emergency, link, phone"):
        render.text("invitation", "sms", "en", {"clinic": "Riverside"})


@pytest.mark.parametrize(("kind", "language"), [("invitation", "fr"), ("../../etc", "en"), ("gossip", "en")])
def test_words_that_do_not_exist_are_refused(kind: str, language: str) -> None:
    with pytest.raises(render.NoWords):
        render.text(kind, "sms", language, LONGEST)


def test_every_template_names_allowed_variables_only() -> None:
    for path in sorted(render.FOLDER.glob("*/*.txt")):
        channel, language, _ = path.name.split(".")
        allowed = dict.fromkeys(render.ALLOWED[path.parent.name], "x")
        assert render.text(path.parent.name, channel, language, allowed)
