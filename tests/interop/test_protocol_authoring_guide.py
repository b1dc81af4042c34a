"""The guide for authors keeps its word: its example loads, its tables name what the loader takes."""

import re
from pathlib import Path

import pytest

from survey.domain.protocol import Flag, ItemKind, ReminderBy, Tier, Worse
from survey.domain.protocol_texts import REQUIRED_WORDS
from survey.domain.triage import Answers, score
from survey.interop.item_file import NumberFile
from survey.interop.protocol_file import HazardFile, ProtocolFile
from survey.interop.protocol_yaml import load
from tests.interop.test_protocol_yaml import REFUSED

GUIDE = (Path(__file__).parents[2] / "docs/protocol-authoring.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)[-1]
FIVE = Path(__file__).parent / "knee-injection/v1.yaml"
"""A pack of five questions, as somebody wrote it who followed the steps of the guide."""

FINE: Answers = {"red": {"breath": "no", "bleed": "no"}, "pain": 2, "trend": "better", "bruise": "no"}


@pytest.mark.parametrize(
    ("changed", "tier"),
    [
        ({}, Tier.ROUTINE),
        ({"red": {"bleed": "yes"}}, Tier.EMERGENCY),
        ({"bruise": "grows"}, Tier.URGENT),
        ({"bruise": "small"}, Tier.ROUTINE),
        ({"temp": 100.9}, Tier.ROUTINE),
        ({"temp": 101.0}, Tier.URGENT),
        ({"note": "I can't breathe"}, Tier.URGENT),
        ({"pain": 7, "trend": "worse"}, Tier.SOON),
    ],
)
def test_the_whole_example_loads_and_scores_as_it_reads(changed: Answers, tier: Tier) -> None:
    protocol = load(EXAMPLE, name="docs/protocol-authoring.md")

    assert score(protocol, {**FINE, **changed}, {"anticoag": Flag.UNKNOWN}).tier is tier


def test_the_guide_names_every_part_kind_and_tier() -> None:
    named = set(re.findall(r"`([a-z_]+)`", GUIDE))

    assert set(ProtocolFile.model_fields) <= named
    assert {*ItemKind, *Tier} <= named


def test_each_condition_of_the_table_is_one_that_the_loader_takes() -> None:
    table = GUIDE[GUIDE.index("## Conditions") : GUIDE.index("There is no *not*")]
    marks = {
        "in",
        "lines",
        "at_least",
        "at_most",
        "written",
        "red_words",
        "unanswered",
        "flag",
        "known",
        "set",
        "rule",
        "all",
        "any",
        "of",
    }

    assert marks == set(re.findall(r"\b([a-z_]+): ", table)) - {"item"}


def test_the_guide_names_every_key_of_a_promise_and_of_a_number() -> None:
    named = set(re.findall(r"`([a-z_]+)(?:: true)?`", GUIDE))

    assert set(HazardFile.model_fields) <= named
    assert set(NumberFile.model_fields) <= named | {"kind", "required"}
    assert {*Worse, *ReminderBy} <= named | set(re.findall(r"by: ([a-z]+)", GUIDE))


def test_what_the_guide_quotes_from_errors_is_what_the_loader_says() -> None:
    table = GUIDE[GUIDE.index("| Said | Do this |") : GUIDE.index("## When the proof fails")]
    quoted = [line.split("`")[1] for line in table.splitlines()[2:] if line.startswith("|")]
    said = " ".join(case[-1] for case in REFUSED.values())

    fixed = [part.strip() for quote in quoted for part in re.split(r"…|96|:", quote) if part.strip()]

    assert len(quoted) > 10
    assert [part for part in fixed if part not in said] == []


def test_what_the_guide_quotes_from_a_failed_proof_is_what_the_verifier_says() -> None:
    table = GUIDE[GUIDE.index("## When the proof fails") : GUIDE.index("## A whole protocol")]
    quoted = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    sources = (Path(__file__).parents[2] / "survey/proof").glob("*.py")
    said = " ".join(path.read_text(encoding="utf-8") for path in sources).replace("{{emergency}}", "{emergency}")

    fixed = [part.strip() for quote in quoted for part in quote.split("…") if part.strip()]

    assert len(quoted) > 10
    assert [part for part in fixed if part not in said] == []


def test_five_questions_in_one_language_written_by_the_steps_load_and_score() -> None:
    pack = load(FIVE)

    assert (len(pack.items), pack.languages, dict(pack.red_words), pack.flags) == (5, ("en",), {}, ())
    well: Answers = {"red": {"breath": "no", "throat": "no"}, "pain": 2, "swelling": "no", "fever": "no", "walk": "yes"}
    assert score(pack, well, {}).tier is Tier.ROUTINE
    assert score(pack, {**well, "swelling": "hot"}, {}).tier is Tier.URGENT


def test_the_example_holds_every_sentence_that_is_wanted() -> None:
    assert set(load(EXAMPLE).words) == set(REQUIRED_WORDS)
