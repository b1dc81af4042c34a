"""Nothing in the code knows a protocol: what is clinical stands in the packs, and the same code serves each."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from survey.domain.protocol import Protocol
from survey.interop.protocol_yaml import load

ROOT = Path(__file__).parents[2]
PACKS = {path.parent.name: load(path) for path in sorted((ROOT / "config/protocols").glob("*/v*.yaml"))}
CLINICAL = (
    "bupivacaine",
    "cauda equina",
    "dexamethasone",
    "epidural",
    "headneck",
    "interlaminar",
    "levator",
    "lidocaine",
    "lumbar",
    "paraspinal",
    "pneumothorax",
    "rhomboid",
    "site_chest",
    "site_spine",
    "transforaminal",
    "trapezius",
    "trigger point",
    "trigger-point",
    "trigger_point",
    "upper_level",
    "weakfx",
)
"""Words that only the packs may use."""

INVENTED = ROOT / "survey/local"
"""The demo's invented clinic and its past: it answers a shipped pack by name, runs nowhere else and decides nothing."""

EVERYDAY = frozenset({"head", "help", "note", "other", "red", "risk", "took"})
"""Keys of the packs that are words of HTML, HTTP, Python or this program as well."""

RULE_ID = re.compile(r"[A-Z][0-9]{1,2}")


def _sources(folder: str, *kinds: str) -> list[Path]:
    return [path for path in (ROOT / folder).rglob("*") if path.suffix in kinds and INVENTED not in path.parents]


def _literals(path: Path) -> Iterator[str]:
    """Every string in the code that is not a docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def _keys(pack: Protocol) -> frozenset[str]:
    """What a rule may name: items, flags, sets, sites, drugs, hazards and rules."""
    named = [item.key for item in pack.items] + [flag.key for flag in pack.flags] + [one.name for one in pack.sets]
    chosen = [site.key for site in pack.body_sites] + [agent.key for agent in pack.agents]
    promised = [hazard.key for hazard in pack.hazards] + [rule.id for rule in pack.rules]
    return frozenset((pack.slug, *named, *chosen, *promised)) - EVERYDAY


@pytest.mark.parametrize("folder", ["survey", "workers", "templates"])
def test_the_code_names_no_procedure_body_part_or_item_of_a_pack(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in _sources(folder, ".py", ".html", ".txt", ".svg")
        for word in CLINICAL
        if word in path.read_text(encoding="utf-8").casefold()
    ]

    assert found == [], "move it into config/protocols: the code has to serve every protocol"


@pytest.mark.parametrize("slug", PACKS)
@pytest.mark.parametrize("folder", ["survey", "workers"])
def test_no_key_of_a_pack_stands_in_the_code(folder: str, slug: str) -> None:
    keys = _keys(PACKS[slug])

    found = [
        f"{path.relative_to(ROOT)}: {literal}"
        for path in _sources(folder, ".py")
        for literal in _literals(path)
        if literal in keys
    ]

    assert found == [], "the code may not know an item, a flag or a rule of one protocol"


@pytest.mark.parametrize("folder", ["survey", "workers", "templates"])
def test_no_template_or_code_compares_with_a_rule_id(folder: str) -> None:
    ids = {rule.id for pack in PACKS.values() for rule in pack.rules}

    found = [
        f"{path.relative_to(ROOT)}: {literal}"
        for path in _sources(folder, ".py", ".html")
        for literal in re.findall(r"[\"']([A-Z][0-9]{1,2})[\"']", path.read_text(encoding="utf-8"))
        if literal in ids
    ]

    assert found == []


def test_every_pack_on_disk_is_looked_at_and_the_two_share_no_more_than_everyday_keys() -> None:
    assert set(PACKS) == {"trigger-point-injection", "lumbar-epidural-steroid-injection"}
    assert all(RULE_ID.fullmatch(rule.id) for pack in PACKS.values() for rule in pack.rules)
    assert [len(_keys(pack)) > 60 for pack in PACKS.values()] == [True, True]
