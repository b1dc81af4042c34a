"""A protocol taken apart: everything in it that a version can change, each thing with its words and what it means."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from survey.domain import protocol_words as words
from survey.domain.condition_words import needed, plain, sentence, set_name
from survey.domain.conditions import AllOf, AnyOf, AtLeast, Condition, LineYes, OptionIn
from survey.domain.protocol import Agent, BodySite, Item, Line, Option, Protocol, Rule, Words


class Section(StrEnum):
    """The kinds of parts, in the order in which changes are told: what decides the tier comes first."""

    RULES = "Rules"
    SETS = "Shared conditions"
    EXCEPTIONS = "Exceptions for what is not known"
    HAZARDS = "Promises"
    QUESTIONS = "Questions"
    RED_WORDS = "Danger phrases"
    FACTS = "Facts about patient and procedure"
    SITES = "Body sites"
    AGENTS = "Drugs"
    RESULTS = "Result pages"
    SCHEDULE = "Schedule"
    SENTENCES = "Other sentences"
    GENERAL = "Title and languages"


class Kind(StrEnum):
    """What happened to a part, or to one aspect of it."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    REWORDED = "reworded"
    ORDER = "order changed"
    TIER = "tier changed"
    CONDITION = "condition changed"
    SETTING = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """One side of a part. Two versions are the same in it when their `meaning` is equal, however they say it."""

    kind: Kind
    """The kind of change when it differs."""
    what: str
    of: str = ""
    """Key of the answer, where a part has several aspects of the same name."""
    says: str = ""
    meaning: object = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing in a protocol, by a key that lasts from version to version."""

    section: Section
    key: str
    name: str
    what: str
    """What kind of thing it is, in words."""
    summary: str
    """The whole of it in a few lines, for when it is new or gone."""
    aspects: tuple[Aspect, ...] = ()
    language: str | None = None
    """The language of the whole of it, where it is in one."""
    ordered: bool = False
    """Its place among the others matters."""


def parts(protocol: Protocol) -> Iterator[Part]:
    """Everything, in the order of the file."""
    yield _general(protocol)
    yield from _schedule(protocol)
    yield from _facts(protocol)
    yield from _choices(protocol)
    yield from (_question(item, protocol) for item in protocol.items)
    yield from _sets(protocol)
    yield from (_rule(rule, protocol) for rule in protocol.rules)
    yield from _exceptions(protocol)
    yield from _hazards(protocol)
    yield from _red_words(protocol)
    yield from _results(protocol)
    for name, text in protocol.words.items():
        yield _named(Section.SENTENCES, name, name.replace("_", " "), "sentence", plain(text), _worded("text", text))


def _general(protocol: Protocol) -> Part:
    spoken = ", ".join(protocol.languages)
    aspects = (*_worded("title", protocol.title), _setting("languages", spoken))
    return _named(Section.GENERAL, "protocol", plain(protocol.title), "protocol", plain(protocol.title), aspects)


def _schedule(protocol: Protocol) -> Iterator[Part]:
    for touch in protocol.touches:
        says, name = words.touch_sentence(touch, protocol), f"Contact “{touch.key}”"
        aspect = _setting("when and what", says, (touch.day, touch.at, touch.items, touch.reminders))
        yield _named(Section.SCHEDULE, touch.key, name, "contact", says, (aspect,))


def _facts(protocol: Protocol) -> Iterator[Part]:
    for flag in protocol.flags:
        label = plain(flag.label)
        yield _named(Section.FACTS, flag.key, label, "fact", label, _worded("label", flag.label))


def _choices(protocol: Protocol) -> Iterator[Part]:
    choices: tuple[BodySite | Agent, ...] = (*protocol.body_sites, *protocol.agents)
    for choice in choices:
        section, what = (Section.SITES, "site") if isinstance(choice, BodySite) else (Section.AGENTS, "drug")
        label, settles = plain(choice.label), words.settles(choice, protocol)
        aspects = (*_worded("label", choice.label), _setting("what it settles", settles, dict(choice.sets)))
        yield _named(section, choice.key, label, what, f"{label} ({settles})", aspects)


def _question(item: Item, protocol: Protocol) -> Part:
    shown, how = words.asked_when(item, protocol), words.answered(item)
    aspects = (
        *_worded("label", item.label),
        *_worded("question", item.text),
        *_worded("help", item.help),
        *_worded("low end", item.low),
        *_worded("high end", item.high),
        *_worded("unit", item.unit),
        *_answers(item.options or item.lines),
        Aspect(kind=Kind.CONDITION, what="asked when", says=shown, meaning=_meaning(item.show_if)),
        _setting("how it is answered", how),
    )
    name, summary = plain(item.label), _in_full(item, f"Asked when: {shown}. Answered: {how}.")
    section = Section.QUESTIONS
    return Part(
        section=section, key=item.key, name=name, what="question", summary=summary, aspects=aspects, ordered=True
    )


def _in_full(item: Item, rest: str) -> str:
    answers = item.options or item.lines
    asked = [
        f"{language}: {' / '.join([text, *(answer.text.get(language, '') for answer in answers)])}"
        for language, text in item.text.items()
    ]
    return "\n".join([*asked, rest])


def _answers(answers: Sequence[Option | Line]) -> Iterator[Aspect]:
    for answer in answers:
        yield from _worded("answer", answer.text, of=answer.key)
    if answers:
        order = tuple(answer.key for answer in answers)
        says = " → ".join(f"“{plain(answer.text)}”" for answer in answers)
        yield Aspect(kind=Kind.ORDER, what="order of the answers", says=says, meaning=order)


def _sets(protocol: Protocol) -> Iterator[Part]:
    for derived in protocol.sets:
        says = sentence(derived.when, protocol)
        aspect = Aspect(kind=Kind.CONDITION, what="condition", says=says, meaning=_meaning(derived.when))
        rules = ", ".join(words.used_by(derived, protocol)) or "no rule"
        name = f"{set_name(derived.name)} (used by {rules})"
        yield _named(Section.SETS, derived.name, name, "shared condition", says, (aspect,))


def _rule(rule: Rule, protocol: Protocol) -> Part:
    says = sentence(rule.when, protocol)
    aspects = (
        Aspect(kind=Kind.TIER, what="tier", says=rule.tier.value, meaning=rule.tier),
        Aspect(kind=Kind.CONDITION, what="condition", says=says, meaning=_meaning(rule.when)),
        Aspect(kind=Kind.REWORDED, what="why", says=rule.why, meaning=rule.why),
        Aspect(kind=Kind.REWORDED, what="source", says=rule.source, meaning=rule.source),
        *_worded("advice", rule.advice),
    )
    advice = [f"Advice, {language}: {text}" for language, text in (rule.advice or {}).items()]
    summary = "\n".join([f"{rule.tier.value.capitalize()} when: {says}", f"Source: {rule.source}", *advice])
    return _named(Section.RULES, rule.id, f"Rule {rule.id}: {rule.why}", "rule", summary, aspects)


def _exceptions(protocol: Protocol) -> Iterator[Part]:
    for each in protocol.unknown_exceptions:
        says = words.exception_sentence(each, protocol)
        aspects = (
            _setting("rules", says, each.rules),
            Aspect(kind=Kind.REWORDED, what="why", says=each.why, meaning=each.why),
        )
        yield _named(Section.EXCEPTIONS, each.flag, says, "exception", f"{says}. {each.why}", aspects)


def _hazards(protocol: Protocol) -> Iterator[Part]:
    for hazard in protocol.hazards:
        says = words.hazard_sentence(hazard, protocol)
        only = None if hazard.only is None else frozenset(hazard.only)
        tiers = (hazard.at_least, hazard.at_most, hazard.never)
        meaning = (_meaning(hazard.when), only, frozenset(hazard.asked), tiers)
        aspects = (
            Aspect(kind=Kind.REWORDED, what="sentence", says=hazard.says, meaning=hazard.says),
            Aspect(kind=Kind.CONDITION, what="what is proved", says=says, meaning=meaning),
        )
        yield _named(Section.HAZARDS, hazard.key, hazard.says, "promise", f"{hazard.says} ({says})", aspects)


def _red_words(protocol: Protocol) -> Iterator[Part]:
    for language, phrases in protocol.red_words.items():
        for phrase in phrases:
            yield Part(
                section=Section.RED_WORDS,
                key=f"{language}: {phrase}",
                name="Phrase",
                what="danger phrase",
                summary=phrase,
                language=language,
            )


def _results(protocol: Protocol) -> Iterator[Part]:
    for tier, page in protocol.tiers.items():
        body = {language: "\n".join(part.get(language, "") for part in page.body) for language in protocol.languages}
        aspects = (*_worded("heading", page.heading), *_worded("text", body))
        yield _named(Section.RESULTS, tier.value, tier.value.capitalize(), "page", plain(page.heading), aspects)


def _named(
    section: Section, key: str, name: str, what: str, summary: str, aspects: Sequence[Aspect] | Iterator[Aspect]
) -> Part:
    return Part(section=section, key=key, name=name, what=what, summary=summary, aspects=tuple(aspects))


def _worded(what: str, text: Words | None, *, of: str = "") -> Iterator[Aspect]:
    for language, said in (text or {}).items():
        yield Aspect(kind=Kind.REWORDED, what=what, of=of, says=said, meaning=said, language=language)


def _setting(what: str, says: str, meaning: object = None) -> Aspect:
    return Aspect(kind=Kind.SETTING, what=what, says=says, meaning=says if meaning is None else meaning)


def _meaning(condition: Condition | None) -> object:
    """The condition without the order in which equal parts happen to be written."""
    match condition:
        case AllOf() | AnyOf() | AtLeast():
            inner = sorted((_meaning(part) for part in condition.of), key=repr)
            return (needed(condition), tuple(inner)) if len(inner) > 1 else inner[0]
        case OptionIn():
            return (condition.item, "is", tuple(sorted(condition.options)))
        case LineYes():
            return (condition.item, "yes", tuple(sorted(condition.lines)))
        case _:
            return condition
