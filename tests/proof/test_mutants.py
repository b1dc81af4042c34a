"""A slip in a shipped pack never goes unseen: it is refused with a reason, or it changes nobody's tier."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from oxidd.bdd import BDDManager
from pydantic import ValidationError

from survey.domain.protocol import Protocol
from survey.domain.protocol_faults import faults
from survey.interop import marked_yaml
from survey.interop.protocol_file import ProtocolFile
from survey.proof.checks import OF_ALL, OF_ONE, Space
from survey.proof.equivalence import same_tiers
from tests.proof.mutants import Mutant, mutants

PACKS = sorted((Path(__file__).parents[2] / "config/protocols").glob("*/v*.yaml"))
NODES = 1 << 18


def read(data: Any) -> Protocol:
    """The pack in plain data, without a look at its references."""
    text = repr(data)
    return ProtocolFile.model_validate(data).value(source_text=text, sha256=hashlib.sha256(text.encode()).hexdigest())


def objections(pack: Protocol) -> Iterator[str]:
    """What speaks against it, the promises first: they are what finds most slips."""
    spaces = [Space(pack, touch.key, BDDManager(NODES, NODES // 4, 1)) for touch in pack.touches]
    for check in reversed(OF_ALL.values()):
        yield from (objection.says for objection in check(spaces))
    for one in OF_ONE.values():
        yield from (objection.says for space in spaces for objection in one(space))


def verdict(pack: Protocol, mutant: Mutant) -> str:
    """`refused`, `equivalent`, or `neither`, which must not be."""
    try:
        mutated = read(mutant[1])
    except ValidationError:
        return "refused"
    if faults(mutated) or next(objections(mutated), None):
        return "refused"
    return "equivalent" if same_tiers(pack, mutated) else "neither"


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.parent.name)
def test_every_slip_in_a_shipped_pack_is_refused_or_changes_nothing(path: Path) -> None:
    data = marked_yaml.read(path.read_text(encoding="utf-8")).data
    pack = read(data)
    assert not faults(pack)
    assert not list(objections(pack))
    verdicts = {mutant[0]: verdict(pack, mutant) for mutant in mutants(data)}
    counts = Counter(verdicts.values())
    print(
        f"{path.parent.name}: {len(verdicts)} mutants, {counts['refused']} refused, {counts['equivalent']} equivalent"
    )
    assert [name for name, said in verdicts.items() if said == "neither"] == []
    assert len(verdicts) >= 150
    assert counts["refused"] > counts["equivalent"]
