"""Scores a set of answers: which rules fire, how serious that is, and why, in words."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from survey.domain.answers import YES, Answer, Answers, answer_in_words, in_full
from survey.domain.errors import DomainError
from survey.domain.evaluator import Evidence, evaluator
from survey.domain.protocol import Context, ContextFlag, Flag, Item, Protocol, Rule, Tier, in_language

__all__ = ["FAULTS", "Answer", "Answers", "Fired", "Score", "advice_in_words", "reasons_in_words", "score"]

FAULTS = (DomainError, LookupError, TypeError, ValueError)
"""What a broken pack, or an answer that does not fit its pack, raises while it is judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """One rule that fired, and the items and flags that made it."""

    rule: str
    tier: Tier
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The highest tier of the rules that fired; routine when none did."""

    tier: Tier
    fired: tuple[Fired, ...]
    """Most serious first, then as the protocol lists them."""


WELL = Score(tier=Tier.ROUTINE, fired=())


def score(protocol: Protocol, answers: Answers, context: Context, *, visible: Collection[str] | None = None) -> Score:
    """Judges what has been answered so far; an unfinished set is judged like a finished one.

    Answers to items that are not shown do not count. `visible` holds the keys of the items that are asked at all
    (a touch with fewer questions); None for every item. Same arguments, same score.
    """
    compiled = evaluator(protocol)
    case = compiled.case(answers, context, asked=visible)
    compiled.fire(case)
    if not case.fired:
        return WELL
    evidence = case.fired
    fired = tuple([told[evidence[rule]] for rule, told in _by_severity(protocol) if rule in evidence])
    return Score(tier=fired[0].tier, fired=fired)


class _Told(dict[Evidence, Fired]):
    """What one rule tells, by its evidence.

    A rule fires on few different answers and flags, and making the value anew costs as much as judging the rule.
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule

    def __missing__(self, evidence: Evidence) -> Fired:
        if len(self) >= _TOLD_MOST:
            self.clear()
        made = Fired(rule=self._rule.id, tier=self._rule.tier, because=tuple(dict.fromkeys(evidence)))
        return self.setdefault(evidence, made)


_TOLD_MOST = 512
"""How much of one rule is kept; a rule that counts what is left open can tell more than fits in memory."""


@lru_cache(maxsize=64)
def _by_severity(protocol: Protocol) -> list[tuple[str, _Told]]:
    return [(rule.id, _Told(rule)) for rule in evaluator(protocol).by_severity]


def reasons_in_words(
    protocol: Protocol, fired: Iterable[Fired], answers: Answers, context: Context, language: str
) -> tuple[str, ...]:
    """What fired, one line for each answer and flag, most serious first: "Weakness or numbness: Yes, and it is …".

    Items left open share one line at the end.
    """
    evidence = {each.rule: each.because for each in fired}
    ranked = [evidence[rule.id] for rule in evaluator(protocol).by_severity if rule.id in evidence]
    keys = dict.fromkeys(key for because in ranked for key in because)
    flags = {flag.key: flag for flag in protocol.flags}
    items = {item.key: item for item in protocol.items}
    asked = [items[key] for key in keys if key in items]
    answered = [
        _item_line(protocol, item, answers[item.key], language) for item in asked if _tells(item, answers.get(item.key))
    ]
    recorded = [_flag_line(protocol, flags[key], context, language) for key in keys if key in flags]
    left_open = [in_language(item.label, language) for item in asked if not in_full(item, answers.get(item.key))]
    unanswered = [f"{protocol.say('not_answered', language)}: {'; '.join(left_open)}"] if left_open else []
    return (*answered, *recorded, *unanswered)


def advice_in_words(protocol: Protocol, fired: Iterable[Fired], language: str) -> tuple[str, ...]:
    """The extra lines for the patient that the fired rules carry, each once, placeholders unfilled."""
    ids = {each.rule for each in fired}
    lines = [in_language(rule.advice, language) for rule in protocol.rules if rule.advice and rule.id in ids]
    return tuple(dict.fromkeys(lines))


def _tells(item: Item, answer: Answer | None) -> bool:
    """Whether the answer says something; lines that are part No and part open say nothing yet."""
    return in_full(item, answer) or (isinstance(answer, Mapping) and YES in answer.values())


def _item_line(protocol: Protocol, item: Item, answer: Answer, language: str) -> str:
    return f"{in_language(item.label, language)}: {answer_in_words(protocol, item, answer, language)}"


def _flag_line(protocol: Protocol, flag: ContextFlag, context: Context, language: str) -> str:
    value = Flag(context.get(flag.key, Flag.UNKNOWN))
    return f"{in_language(flag.label, language)}: {protocol.say(f'flag_{value}', language)}"
