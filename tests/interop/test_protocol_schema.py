"""The schema that editors use says what the loader says, and the file with it is kept in step."""

import json
from pathlib import Path
from typing import Any

import pytest

from survey.interop import marked_yaml
from survey.interop.protocol_schema import as_text, schema
from survey.interop.protocol_yaml import ProtocolError, load
from tests.interop.json_schema import objections
from tests.interop.test_protocol_yaml import REFUSED, SMALL

PROTOCOLS = Path(__file__).parents[2] / "config/protocols"
FILE = PROTOCOLS / "protocol.schema.json"
PACKS = sorted(PROTOCOLS.glob("*/v*.yaml"))
MADE = schema()


def changed(case: str) -> str:
    """The small pack with that mistake in it."""
    old, new, *_ = REFUSED[case]
    return SMALL.replace(old, new, 1)


READABLE = [case for case in REFUSED if not marked_yaml.read(changed(case)).refused]
"""The mistakes of which a document comes at all."""


def mappings(part: Any) -> list[dict[str, Any]]:
    """Every mapping in the schema, itself among them."""
    if isinstance(part, list):
        return [found for each in part for found in mappings(each)]
    if not isinstance(part, dict):
        return []
    return [part, *(found for each in part.values() for found in mappings(each))]


def test_the_file_in_the_folder_of_protocols_is_the_one_that_the_loader_makes() -> None:
    anew = "daytwo protocol schema > config/protocols/protocol.schema.json"

    assert FILE.read_text(encoding="utf-8") == as_text(), f"the schema is stale; write it anew: {anew}"


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.parent.name)
def test_each_shipped_pack_fits_the_schema(pack: Path) -> None:
    document = marked_yaml.read(pack.read_text(encoding="utf-8")).data

    assert objections(document, MADE) == []


def shape_is_refused(text: str) -> bool:
    """Whether the loader refuses the text at its first look, before it follows any name."""
    try:
        load(text)
    except ProtocolError as refused:
        first = ("unknown key", "is missing", "should", "is not written", "is not a condition", "missing or unknown")
        own = ("the sentence", "unknown key gate_myself", "the text in")  # of the second look, in similar words
        return any(word in refused.message for word in first) and not any(word in refused.message for word in own)
    return False


@pytest.mark.parametrize("case", READABLE, ids=str)
def test_the_schema_and_the_loaders_first_look_agree_on_every_mistake(case: str) -> None:
    text = changed(case)

    assert bool(objections(marked_yaml.read(text).data, MADE)) is shape_is_refused(text)


def test_what_an_editor_shows_are_our_sentences_and_no_names_of_classes() -> None:
    number = MADE["$defs"]["NumberFile"]

    assert number["description"] == "A number with a unit, typed."
    assert number["properties"]["label"]["description"].startswith("Two or three words")
    assert number["properties"]["decimals"]["description"] == "How many digits there may be behind the point."
    assert not [part for part in mappings(MADE) if str(part.get("title")).endswith("File")]
    assert not [name for name in MADE["$defs"] if "__" in name]


def test_keys_have_to_match_their_pattern() -> None:
    rules = MADE["properties"]["rules"]

    assert list(rules["patternProperties"]) == ["^[A-Z][0-9]{1,3}$"]
    assert all(part["additionalProperties"] is False for part in mappings(MADE) if "patternProperties" in part)


def test_conditions_are_completed_by_the_keys_of_the_file() -> None:
    keys = {key for part in MADE["$defs"].values() for key in part["properties"]}

    assert {"in", "all", "any", "of", "set", "at_least", "at_most", "known"} <= keys
    assert json.loads(as_text()) == MADE
