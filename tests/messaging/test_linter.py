"""Every message is held to the same rules, and each rule bites."""

from collections.abc import Callable
from pathlib import Path

import pytest

from survey.messaging import linter, render
from survey.messaging.linter import Text
from tests import invitation_words

ENGLISH = "{clinic}: your check-in {link}\nEmergency {emergency}. STOP to opt out"
"""An invitation without a fault."""


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Text]:
    """Write the English invitation; the text with what is held against it."""
    folder = invitation_words.folder(tmp_path, monkeypatch)

    def write(words: str, *, name: str = "sms.en.txt") -> Text:
        path = folder / name if "/" not in name else folder.parent / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(words, encoding="utf-8")
        kind, (channel, language, _) = path.parent.name, path.name.split(".")
        return next(one for one in linter.check() if (one.kind, one.channel, one.language) == (kind, channel, language))

    return write


def test_every_shipped_message_is_without_a_fault() -> None:
    texts = linter.check()

    assert [(one.kind, one.channel, one.language, one.faults) for one in linter.faulty(texts)] == []


def test_every_text_to_a_patient_is_one_segment_in_english_and_spanish() -> None:
    texts = [one for one in linter.check() if one.channel == "sms" and one.kind not in linter.STAFF]

    assert {one.segments for one in texts} == {1}
    assert {(one.kind, one.language) for one in texts} == {
        (kind.value, language) for kind in linter.Kind for language in ("en", "es")
    }


def test_words_without_a_fault_are_let_through(written: Callable[[str], Text]) -> None:
    assert written(ENGLISH).faults == ()


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (ENGLISH + "!" * 60, "it must fit one segment"),
        (ENGLISH + " – bye", "leave out –"),
        (ENGLISH.replace("check-in", "procedure"), "“procedure” tells about the patient's health"),
        (ENGLISH.replace("check-in", "injections"), "“injections” tells about the patient's health"),
        (ENGLISH.replace("your", "control del dolor,"), "“dolor” tells about the patient's health"),
        (ENGLISH.replace("Emergency {emergency}.", ""), "{emergency} has to stand in it"),
        (ENGLISH.replace("{link}", ""), "{link} has to stand in it"),
        (ENGLISH.replace("{clinic}: ", ""), "{clinic} has to stand in it"),
        (ENGLISH.replace("STOP to opt out", ""), "it has to name STOP"),
        (ENGLISH.replace("{link}", "{link} bit.ly/x9"), "“bit.ly” is an address that is not the clinic's own"),
        (ENGLISH.replace("{link}", "{link} https://x.test"), "“https:” is an address that is not the clinic's own"),
        (ENGLISH + ". Reply with your date of birth", "asks for personal data by reply"),
        (ENGLISH + ". Hi {given_name}", "may not name given_name"),
    ],
)
def test_a_fault_is_told(written: Callable[[str], Text], words: str, fault: str) -> None:
    faults = written(words).faults

    assert any(fault in one for one in faults), faults


def test_a_variable_about_the_patient_is_refused_even_where_the_sender_would_fill_it(
    written: Callable[[str], Text], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(render.ALLOWED, "invitation", render.ALLOWED["invitation"] | {"given_name"})  # type: ignore[arg-type]
    monkeypatch.setattr(linter.wordings, "at_most", lambda _: {**linter.wordings.LONGEST, "given_name": "Maria"})

    assert "{given_name} may tell who the patient is" in written(ENGLISH + " {given_name}").faults


def test_a_language_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (invitation_words.folder(tmp_path, monkeypatch).parent / "confirm/sms.es.txt").unlink()

    (missing,) = [one for one in linter.check() if (one.kind, one.language) == ("confirm", "es")]

    assert missing.faults == ("There is no message confirm/sms.es.",)


def test_a_third_language_has_to_be_complete(written: Callable[[str], Text]) -> None:
    written(ENGLISH, name="sms.fr.txt")

    french = {one.kind for one in linter.faulty(linter.check()) if one.language == "fr"}

    assert french >= {"confirm", "reminder", "stopped", "invitation"}


def test_a_message_that_nothing_sends_is_told(written: Callable[[str], Text]) -> None:
    assert written("Hello", name="gossip/sms.en.txt").faults == ("nothing sends a message of this name",)


@pytest.mark.parametrize(
    ("values", "misfits"),
    [
        ({"clinic": "Riverside Clinic"}, set()),
        ({"clinic": "W" * 24, "emergency": "112", "phone": "020 7946 0958"}, set()),
        ({"clinic": "W" * 25}, {"sms.en"}),
        ({"clinic": "Clínica Río"}, {"sms.en", "sms.es"}),
        ({"clinic": "W" * 24, "phone": "8 (301) 123-45-67"}, {"sms.en", "sms.es"}),
    ],
)
def test_what_a_site_signs_with_may_be_too_much(values: dict[str, str], misfits: set[str]) -> None:
    invitations = [one for one in linter.check(values) if one.kind == "invitation" and one.misfit]

    assert {f"{one.channel}.{one.language}" for one in invitations} == misfits


@pytest.mark.parametrize(
    ("name", "faults"),
    [("Riverside Clinic", 0), ("Pain Injection Clinic", 1), ("Spine Center", 1), ("Oncology West", 1)],
)
def test_a_name_that_tells_about_health_is_not_for_texts(name: str, faults: int) -> None:
    assert len(list(linter.name_faults(name))) == faults
