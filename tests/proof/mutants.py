"""Slips that an author can make: every pack that differs from a given one by a single small mistake."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

Data = dict[str, Any]
Path = tuple[str | int, ...]
Mutant = tuple[str, Data]
"""What was done where, and the pack as it would be read from the file."""

TIERS = ["routine", "soon", "urgent", "emergency"]
GROUPS = ("all", "any", "of")


def mutants(pack: Data) -> Iterator[Mutant]:
    """All of them, in the order of the file."""
    for path, condition in conditions(pack):
        yield from _of_condition(pack, path, condition)
    yield from _tiers(pack)
    yield from _orders(pack)
    yield from _branches(pack)
    yield from _translations(pack)
    yield from _rules(pack)


def conditions(pack: Data) -> Iterator[tuple[Path, Data]]:
    """Every condition of items, sets and rules, and every part of one."""
    for key, item in pack["items"].items():
        if "show_if" in item:
            yield from _parts(item["show_if"], ("items", key, "show_if"))
    for name, when in pack["sets"].items():
        yield from _parts(when, ("sets", name))
    for rule, written in pack["rules"].items():
        yield from _parts(written["when"], ("rules", rule, "when"))


def _parts(condition: Data, path: Path) -> Iterator[tuple[Path, Data]]:
    yield path, condition
    for group in GROUPS:
        for place, part in enumerate(condition.get(group, ())):
            yield from _parts(part, (*path, group, place))


def _changed(pack: Data, path: Path, change: Callable[[Any], None]) -> Data:
    mutant = deepcopy(pack)
    part: Any = mutant
    for step in path:
        part = part[step]
    change(part)
    return mutant


def _set(key: Any, value: Any) -> Callable[[Any], None]:
    return lambda part: part.__setitem__(key, value)


def _named(what: str, path: Path) -> str:
    return f"{what} at {'.'.join(map(str, path))}"


def _of_condition(pack: Data, path: Path, condition: Data) -> Iterator[Mutant]:
    for bound in ("at_least", "at_most"):
        for by in (-1, 1) if bound in condition else ():
            yield _named(f"{bound} {by:+}", path), _changed(pack, path, _set(bound, condition[bound] + by))
    if "known" in condition:
        yield _named("known dropped", path), _changed(pack, path, lambda part: part.pop("known"))
    for group, other in (("all", "any"), ("any", "all")):
        if len(condition.get(group, ())) > 1:
            yield _named(f"{group} became {other}", path), _changed(pack, path, _renamed(group, other))
    for group in GROUPS:
        for place in range(len(condition.get(group, ()))) if len(condition.get(group, ())) > 1 else ():
            yield (
                _named(f"part {place} dropped", path),
                _changed(pack, (*path, group), lambda part, at=place: part.pop(at)),
            )
    yield from _choices(pack, path, condition)


def _renamed(old: str, new: str) -> Callable[[Any], None]:
    return lambda part: part.__setitem__(new, part.pop(old))


def _choices(pack: Data, path: Path, condition: Data) -> Iterator[Mutant]:
    """An option or line taken out of a list, and each other one put in."""
    for key, known in (("in", "options"), ("lines", "lines")):
        chosen = condition.get(key, [])
        for one in chosen if len(chosen) > 1 else ():
            yield _named(f"{one} dropped", path), _changed(pack, (*path, key), lambda part, one=one: part.remove(one))
        for one in pack["items"][condition["item"]][known] if chosen else ():
            if one not in chosen:
                yield _named(f"{one} added", path), _changed(pack, (*path, key), lambda part, one=one: part.append(one))


def _tiers(pack: Data) -> Iterator[Mutant]:
    for rule, written in pack["rules"].items():
        at = TIERS.index(written["tier"])
        for to in (at - 1, at + 1):
            if 0 <= to < len(TIERS):
                path = ("rules", rule)
                yield _named(f"tier became {TIERS[to]}", path), _changed(pack, path, _set("tier", TIERS[to]))


def _orders(pack: Data) -> Iterator[Mutant]:
    for key, item in pack["items"].items():
        if item.get("ordered") and item["kind"] == "choice":
            reverse = dict(reversed(item["options"].items()))
            yield _named("order reversed", ("items", key)), _changed(pack, ("items", key), _set("options", reverse))
        if item.get("worse") in ("higher", "lower"):
            other = {"higher": "lower", "lower": "higher"}[item["worse"]]
            yield _named("order reversed", ("items", key)), _changed(pack, ("items", key), _set("worse", other))


def _branches(pack: Data) -> Iterator[Mutant]:
    """A question hidden from everybody whom a flag does not speak of."""
    flag = {"flag": next(iter(pack["flags"]))}
    for key, item in pack["items"].items():
        narrow = {"all": [item["show_if"], flag]} if "show_if" in item else flag
        yield _named("branch hidden", ("items", key)), _changed(pack, ("items", key), _set("show_if", narrow))
        if "show_if" in item:
            yield (
                _named("branch opened", ("items", key)),
                _changed(pack, ("items", key), lambda part: part.pop("show_if")),
            )


def _translations(pack: Data) -> Iterator[Mutant]:
    language = pack["languages"][-1]
    for key in pack["items"]:
        yield (
            _named(f"{language} removed", ("items", key)),
            _changed(pack, ("items", key, "text"), lambda part: part.pop(language)),
        )
    for tier in TIERS:
        path = ("tiers", tier, "heading")
        yield _named(f"{language} removed", path), _changed(pack, path, lambda part: part.pop(language))


def _rules(pack: Data) -> Iterator[Mutant]:
    for rule in pack["rules"]:
        yield (
            _named("rule removed", ("rules", rule)),
            _changed(pack, ("rules",), lambda part, rule=rule: part.pop(rule)),
        )
    for rule, written in pack["rules"].items():
        twin = {**written, "tier": "soon"}
        yield _named("dead rule added beside", ("rules", rule)), _changed(pack, ("rules",), _set("X99", twin))
