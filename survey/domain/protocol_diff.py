"""What differs between two versions of a protocol, in words that a clinician can check one by one.

Each version is read as a list of parts (a question, a rule, a fact …) with their aspects. Parts are held against each
other by key, aspects by what they mean: a rule whose condition is only written in another order has not changed, and
neither has one whose question got another label.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum

from survey.domain.protocol import Protocol
from survey.domain.protocol_parts import Aspect, Kind, Part, Section, parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference. `before` is None for what is new, `after` for what is gone."""

    section: Section
    key: str
    name: str
    """What the part is called in words."""
    kind: Kind
    what: str
    """Which aspect of the part."""
    before: str | None
    after: str | None
    language: str | None = None
    """The language that the words are in, where they are a patient's."""


class Piece(StrEnum):
    """What became of some words of a text."""

    KEPT = "kept"
    GONE = "gone"
    NEW = "new"


def changes(old: Protocol, new: Protocol) -> tuple[Change, ...]:
    """Every difference, by section, in the order of the new version; what is gone stands last in its section."""
    before, after = list(parts(old)), list(parts(new))
    return tuple(
        change
        for section in Section
        for change in _section(
            [part for part in before if part.section is section], [part for part in after if part.section is section]
        )
    )


def pieces(before: str, after: str) -> tuple[tuple[Piece, str], ...]:
    """The two texts as one, word by word: kept, gone and new."""
    old, new = before.split(), after.split()
    found: list[tuple[Piece, str]] = []
    for tag, i, j, k, m in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append((Piece.KEPT, " ".join(old[i:j])))
            continue
        found += [(Piece.GONE, " ".join(old[i:j]))] if j > i else []
        found += [(Piece.NEW, " ".join(new[k:m]))] if m > k else []
    return tuple(found)


def _section(before: Sequence[Part], after: Sequence[Part]) -> Iterator[Change]:
    old, new = {part.key: part for part in before}, {part.key: part for part in after}
    moved = _moved(list(old), list(new))
    for key, part in new.items():
        if key not in old:
            yield _change(part, Aspect(kind=Kind.ADDED, what=part.what, language=part.language), None, part.summary)
            continue
        if key in moved and part.ordered:
            aspect = Aspect(kind=Kind.MOVED, what="place")
            yield _change(part, aspect, _place(key, list(old)), _place(key, list(new)))
        yield from _aspects(old[key], part)
    for key, part in old.items():
        if key not in new:
            yield _change(part, Aspect(kind=Kind.REMOVED, what=part.what, language=part.language), part.summary, None)


def _aspects(before: Part, after: Part) -> Iterator[Change]:
    old = {(aspect.what, aspect.of, aspect.language): aspect for aspect in before.aspects}
    new = {(aspect.what, aspect.of, aspect.language): aspect for aspect in after.aspects}
    for name in dict.fromkeys((*new, *old)):
        was, now = old.get(name), new.get(name)
        if now and not was:
            yield _change(after, replace(now, kind=Kind.ADDED), None, now.says)
        elif was and not now:
            yield _change(after, replace(was, kind=Kind.REMOVED), was.says, None)
        elif was and now and was.meaning != now.meaning:
            yield _change(after, now, was.says, now.says)


def _change(part: Part, aspect: Aspect, before: str | None, after: str | None) -> Change:
    return Change(
        section=part.section,
        key=part.key,
        name=part.name,
        kind=aspect.kind,
        what=aspect.what,
        language=aspect.language,
        before=before,
        after=after,
    )


def _moved(old: Sequence[str], new: Sequence[str]) -> set[str]:
    """Of the keys in both, the few that have to move to get from one order to the other."""
    before, after = [key for key in old if key in new], [key for key in new if key in old]
    blocks = SequenceMatcher(a=before, b=after, autojunk=False).get_matching_blocks()
    stayed = {key for block in blocks for key in before[block.a : block.a + block.size]}
    return set(before) - stayed


def _place(key: str, keys: Sequence[str]) -> str:
    return f"number {keys.index(key) + 1} of {len(keys)}"
