"""The verifier as a whole: what it proves, what it refuses, and that it never guesses."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from survey.domain.errors import Refused
from survey.domain.proof_words import objection_in_words
from survey.domain.proofs import Check, Proof, certificate
from survey.domain.protocol import Protocol, Tier
from survey.interop.protocol_yaml import load
from survey.messaging import wordings
from survey.proof import verify as verifier
from survey.proof.equivalence import same_tiers
from tests import invitation_words

PACKS = Path(__file__).parents[2] / "config/protocols"
SHIPPED = load(PACKS / "trigger-point-injection/v1.yaml")
LUMBAR = load(PACKS / "lumbar-epidural-steroid-injection/v1.yaml")


def verify(pack: Protocol, **limits: Any) -> Proof:
    return verifier(pack, wordings=wordings.at_longest(pack.languages), **limits)


def objections(proof: Proof, check: Check) -> list[str]:
    return [objection.says for checked in proof.checks if checked.check is check for objection in checked.objections]


def with_rule(pack: Protocol, rule_id: str, **changed: Any) -> Protocol:
    return replace(pack, rules=tuple(replace(r, **changed) if r.id == rule_id else r for r in pack.rules))


def without_hazards(pack: Protocol) -> Protocol:
    return replace(pack, hazards=())


@pytest.mark.parametrize("pack", [SHIPPED, LUMBAR], ids=lambda pack: pack.slug)
def test_a_shipped_pack_is_proved_over_more_than_ten_thousand_billion_answer_sets(pack: Protocol) -> None:
    proof = verify(pack)

    assert proof.holds
    assert [checked.check for checked in proof.checks] == list(Check)
    assert proof.answer_sets > 10**13
    assert sum(proof.tiers.values()) == proof.answer_sets
    assert proof.certificate == certificate(pack.sha256)


def test_the_example_of_the_guide_is_proved() -> None:
    guide = (PACKS.parents[1] / "docs/protocol-authoring.md").read_text(encoding="utf-8")

    assert verify(load(re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)[-1], name="the guide")).holds


def test_the_five_questions_that_were_written_by_the_guide_are_proved() -> None:
    proof = verify(load(PACKS.parents[1] / "tests/interop/knee-injection/v1.yaml"))

    assert proof.holds
    assert proof.answer_sets == 3**2 * 12 * 4 * 3 * 3


def test_a_proof_that_cannot_be_finished_refuses_the_pack_and_says_why() -> None:
    with pytest.raises(Refused, match="too large to be proved"):
        verify(SHIPPED, nodes=512)
    with pytest.raises(Refused, match="too large to be proved"):
        verify(SHIPPED, seconds=0)


def test_a_worse_answer_that_lowers_the_tier_is_shown_with_the_smallest_form_and_both_tiers() -> None:
    trend = SHIPPED.item("trend")
    turned = replace(trend, options=trend.options[::-1])
    pack = replace(SHIPPED, items=tuple(turned if item is trend else item for item in SHIPPED.items))

    proof = verify(pack)

    first = next(checked for checked in proof.checks if checked.check is Check.MONOTONE).objections[0]
    assert first.before is not None
    assert first.after is not None
    assert first.before.tier.rank > first.after.tier.rank
    told = list(objection_in_words(pack, first))
    assert told[0].startswith("The tier falls from soon to routine: trend from")
    assert any(line.startswith("then Soreness since yesterday: ") for line in told)
    assert told[-1] == "gives ROUTINE, by no rule"


def test_a_red_flag_that_is_only_urgent_is_refused() -> None:
    proof = verify(with_rule(without_hazards(SHIPPED), "E2", tier=Tier.URGENT))

    assert set(objections(proof, Check.RED_FLAGS)) == {"The red flag chest of red is only urgent."}


def test_a_form_that_may_stay_open_unnoticed_is_refused() -> None:
    pack = replace(without_hazards(SHIPPED), rules=tuple(rule for rule in SHIPPED.rules if rule.id != "S10"))

    assert set(objections(verify(pack), Check.UNFINISHED)) == {"A form with an open question is routine."}


def test_an_exception_for_what_is_not_known_has_to_be_named() -> None:
    proof = verify(replace(SHIPPED, unknown_exceptions=()))

    assert objections(proof, Check.UNKNOWN) == ["The tier falls from soon to routine: anticoag from yes to unknown."]


def test_a_rule_that_never_decides_is_refused_with_those_that_shadow_it() -> None:
    proof = verify(with_rule(SHIPPED, "U2", tier=Tier.SOON))

    assert "U2 never decides: wherever it fires, S3, S4 fires as well." in objections(proof, Check.RULES)


def without_number(pack: Protocol) -> Protocol:
    line = {language: text.replace("{emergency}", "us") for language, text in pack.words["emergency_line"].items()}
    return replace(pack, words={**pack.words, "emergency_line": line})


def without_spanish(pack: Protocol) -> Protocol:
    return with_rule(pack, "U2", advice={"en": "Go now."})


def hard_to_read(pack: Protocol) -> Protocol:
    text = {"en": "Immediately communicate deteriorating neurological symptomatology.", "es": "Avise."}
    return with_rule(pack, "U2", advice=text)


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        (without_number, "words.emergency_line.en does not hold {emergency}"),
        (without_spanish, "rules.U2.advice: the text in es is missing"),
        (hard_to_read, "rules.U2.advice reads at grade"),
    ],
)
def test_a_text_that_would_fail_a_patient_is_refused(spoilt: Callable[[Protocol], Protocol], says: str) -> None:
    assert [said for said in objections(verify(spoilt(SHIPPED)), Check.WORDS) if said.startswith(says)]


def test_a_text_message_of_two_segments_is_refused_and_says_what_to_shorten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = invitation_words.folder(tmp_path, monkeypatch)
    (words / "sms.en.txt").write_text("Please, {clinic} {link} {phone} {emergency} " + "!" * 54, encoding="utf-8")
    (words / "sms.es.txt").write_text("Atención {clinic} {link} {phone} {emergency}", encoding="utf-8")

    proof = verify(SHIPPED)

    assert not proof.holds
    english, spanish = objections(proof, Check.WORDS)
    assert english == (
        "templates/messages/invitation/sms.en.txt can be sent as 2 segments, with the longest name and link."
        " Shorten it by 3 or more."
    )
    assert spanish == (
        "templates/messages/invitation/sms.es.txt can be sent as 2 segments: ó is not in the GSM-7 alphabet."
        " Write it without."
    )


def test_a_language_in_which_nobody_can_be_asked_is_refused() -> None:
    said = objections(verify(replace(SHIPPED, languages=("fr",))), Check.WORDS)
    unheard = objections(verifier(SHIPPED, wordings=[]), Check.WORDS)

    assert (
        "There is no message invitation/sms.fr. Write templates/messages/invitation/sms.fr.txt, or take fr" in said[0]
    )
    assert unheard == [f"No message in {language} was handed to the verifier." for language in SHIPPED.languages]


def test_a_new_wording_is_told_from_a_new_threshold() -> None:
    assert same_tiers(SHIPPED, with_rule(SHIPPED, "S1", why="Another thought"))
    assert not same_tiers(SHIPPED, with_rule(SHIPPED, "S1", tier=Tier.URGENT))
    assert not same_tiers(SHIPPED, LUMBAR)
