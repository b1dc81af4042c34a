"""A proof in words, for the person who has to mend the protocol or to sign it."""

from collections.abc import Iterator, Mapping

from survey.domain.answers import YES, Answer, answer_in_words, in_full
from survey.domain.conditions import NumberAtLeast, NumberAtMost, leaves
from survey.domain.proofs import Check, Judged, Objection
from survey.domain.protocol import Flag, Item, ItemKind, Protocol, Worse, in_language
from survey.domain.questionnaire import visible_items
from survey.domain.responses import asked

CLAIMS: Mapping[Check, str] = {
    Check.TOTAL: "each answer set has exactly one tier",
    Check.MONOTONE: "a worse answer never lowers the tier",
    Check.UNFINISHED: "an unfinished form is never routine",
    Check.RED_FLAGS: "a red flag is an emergency",
    Check.UNKNOWN: "not known is never safer than known",
    Check.RULES: "each rule decides somewhere",
    Check.HAZARDS: "what is promised holds",
    Check.WORDS: "every text is there and can be read",
}
"""What each check shows, in a line."""


def objection_in_words(protocol: Protocol, objection: Objection) -> Iterator[str]:
    """The sentence, then the smallest case, a line each: what stands out, what changed, the tiers and the rules."""
    yield objection.says
    if objection.before is not None:
        yield from _case(protocol, objection.before)
    if objection.before is not None and objection.after is not None:
        yield from _change(protocol, objection.before, objection.after)


def _case(protocol: Protocol, judged: Judged) -> Iterator[str]:
    """Only what is not at its best or left open: a form of which all else is well."""
    case = judged.case
    for item in visible_items(asked(protocol, case.touch), case.answers, case.context):
        answer = case.answers.get(item.key)
        if item.required if answer is None else not _is_best(protocol, item, answer):
            yield f"{_label(protocol, item)}: {_answer(protocol, item, answer)}"
    for flag in protocol.flags:
        value = judged.case.context.get(flag.key, Flag.UNKNOWN)
        if value is not Flag.NO:
            yield f"{in_language(flag.label, protocol.languages[0])}: {_flag(protocol, value)}"
    yield f"all else well, on {judged.case.touch}: {_verdict(judged)}"


def _change(protocol: Protocol, before: Judged, after: Judged) -> Iterator[str]:
    for item in protocol.items:
        old, new = before.case.answers.get(item.key), after.case.answers.get(item.key)
        if old != new:
            change = f"{_answer(protocol, item, old)} → {_answer(protocol, item, new)}"
            yield f"then {_label(protocol, item)}: {change}"
    for flag in protocol.flags:
        was, became = before.case.context.get(flag.key), after.case.context.get(flag.key)
        if was is not None and became is not None and was is not became:
            label = in_language(flag.label, protocol.languages[0])
            yield f"then {label}: {_flag(protocol, was)} → {_flag(protocol, became)}"
    yield f"gives {_verdict(after)}"


def _verdict(judged: Judged) -> str:
    return f"{judged.tier.upper()}, by {', '.join(judged.rules) or 'no rule'}"


def _label(protocol: Protocol, item: Item) -> str:
    return in_language(item.label, protocol.languages[0])


def _answer(protocol: Protocol, item: Item, answer: Answer | None) -> str:
    """As a person reads it; lines that are left open are told as well."""
    said = answer_in_words(protocol, item, answer, protocol.languages[0])
    open_too = isinstance(answer, Mapping) and not in_full(item, answer)
    return f"{said}, other lines left open" if open_too else said


def _flag(protocol: Protocol, value: Flag) -> str:
    return protocol.say(f"flag_{value}", protocol.languages[0])


def _is_best(protocol: Protocol, item: Item, answer: Answer) -> bool:
    """Whether it is the answer of a patient who is well."""
    match item.kind:
        case ItemKind.CHOICE:
            return item.ordered and answer == item.options[0].key
        case ItemKind.LINES:
            return isinstance(answer, Mapping) and in_full(item, answer) and YES not in answer.values()
        case ItemKind.SCALE:
            return answer == 0
        case ItemKind.TEXT:
            return not answer
        case ItemKind.NUMBER:
            return _is_best_number(protocol, item, answer)


def _is_best_number(protocol: Protocol, item: Item, answer: Answer) -> bool:
    """One without an order is as good as any other, unless something hangs on it."""
    if item.worse is Worse.NEITHER:
        return item.key not in _compared(protocol)
    return answer in ("", item.least if item.worse is Worse.HIGHER else item.most)


def _compared(protocol: Protocol) -> set[str]:
    """Items with which a condition compares a number."""
    conditions = [item.show_if for item in protocol.items] + [hazard.when for hazard in protocol.hazards]
    conditions += [derived.when for derived in protocol.sets] + [rule.when for rule in protocol.rules]
    every = [leaf for condition in conditions if condition for leaf in leaves(condition)]
    return {leaf.item for leaf in every if isinstance(leaf, NumberAtLeast | NumberAtMost)}
