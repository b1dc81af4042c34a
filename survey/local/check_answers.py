"""What the patient of the check answers: a few worrying things, and something plain to whatever else is asked."""

from collections.abc import Mapping

from survey.domain.answers import as_typed
from survey.domain.protocol import Item, ItemKind, Protocol, Worse

Wanted = str | frozenset[str]
"""One answer as it is sent, or the lines that are Yes."""

WORRYING: Mapping[str, Wanted] = {
    "fever": "yes",
    "skin": frozenset({"grow", "hot"}),
    "sore": "8",
    "trend": "worse",
    "help": "today",
}
ROOM = 0.2
"""So far from its better end is a number of somebody who is well."""


def wanted(pack: Protocol) -> Mapping[str, Wanted]:
    """Item → answer. An item that is not named gets its first choice, or No to each line."""
    numbers = {item.key: _number(item) for item in pack.items if item.kind is ItemKind.NUMBER}
    return {**numbers, **WORRYING}


def _number(item: Item) -> str:
    share = 1 - ROOM if item.worse is Worse.LOWER else ROOM
    number = round(item.least + share * (item.most - item.least), item.decimals)
    return as_typed(number if item.decimals else int(number))
