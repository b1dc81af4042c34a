"""A protocol as it is written in a file: the shape, checked key by key, and the domain's value made from it."""

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Literal

from pydantic import Field

from survey.domain import protocol as domain
from survey.interop.condition_file import ConditionFile
from survey.interop.item_file import KEY, AnyItemFile, Key, Text, Words
from survey.interop.strict_model import Strict

_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_LANGUAGE = r"^[a-z]{2}(-[A-Z]{2})?$"
_RULE_ID = r"^[A-Z][0-9]{1,3}$"
_CLOCK_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"

PATTERNS_IN_WORDS: Mapping[str, str] = {
    KEY: "small letters, digits and _, a letter first",
    _SLUG: "small letters and digits, with - between words",
    _LANGUAGE: "a language code such as en or es-MX",
    _RULE_ID: "one capital letter and up to three digits, such as U2",
    _CLOCK_TIME: "a time from 00:00 to 23:59, such as 10:00",
}

FlagValue = Literal["yes", "no", "unknown"]
TierName = Literal["routine", "soon", "urgent", "emergency"]


class FlagFile(Strict):
    """A context flag."""

    label: Words


class SettlesFile(Strict):
    """A body site or an agent, and the flags that it settles."""

    label: Words
    sets: dict[str, FlagValue]
    """Flag to value. A flag that is not named here, but by another site or agent, is no."""

    def flags(self) -> Mapping[str, domain.Flag]:
        return {flag: domain.Flag(value) for flag, value in self.sets.items()}


class RuleFile(Strict):
    """A rule. It only ever raises the tier."""

    tier: TierName
    when: ConditionFile
    why: Text
    """The clinical thought, in English."""
    source: Text
    """Where the number or the thought comes from."""
    advice: Words | None = None
    """A line for the patient on the result page when the rule fires."""

    def value(self, rule_id: str) -> domain.Rule:
        tier, when = domain.Tier(self.tier), self.when.value()
        return domain.Rule(id=rule_id, tier=tier, when=when, why=self.why, source=self.source, advice=self.advice)


class TierFile(Strict):
    """The result page of one tier."""

    heading: Words
    body: Annotated[list[Words], Field(min_length=1)]
    """Paragraphs in order."""

    def value(self) -> domain.TierWords:
        return domain.TierWords(heading=self.heading, body=tuple(self.body))


class TiersFile(Strict):
    """All four tiers."""

    routine: TierFile
    soon: TierFile
    urgent: TierFile
    emergency: TierFile


class HazardFile(Strict):
    """A promise that the proof holds against the rules."""

    says: Text
    """The promise as a sentence, in English."""
    when: ConditionFile | None = None
    """Where it holds; like a rule's. Left out: everywhere that `only` allows."""
    only: Annotated[list[str], Field(min_length=1)] | None = None
    """Items, lines (`skin.pus`) and flags that may be anything, while all others have their best answer or are no."""
    at_least: TierName | None = None
    """The lowest tier that there may be."""
    at_most: TierName | None = None
    """The highest tier that there may be."""
    asked: Annotated[list[str], Field(min_length=1)] | None = None
    """Items that have to be shown there, on each touch that has them."""
    never: Literal[True] | None = None
    """No answer set is like this at all: what must not even be asked."""

    def value(self, key: str) -> domain.Hazard:
        return domain.Hazard(
            key=key,
            says=self.says,
            when=self.when.value() if self.when else None,
            only=None if self.only is None else tuple(self.only),
            at_least=domain.Tier(self.at_least) if self.at_least else None,
            at_most=domain.Tier(self.at_most) if self.at_most else None,
            asked=tuple(self.asked or ()),
            never=bool(self.never),
        )


class ExceptionFile(Strict):
    """Rules in which a flag that is not known counts as absent."""

    rules: Annotated[list[str], Field(min_length=1)]
    """Ids of rules that say `known: true` of the flag."""
    why: Text
    """Why the medical lead accepts it."""

    def value(self, flag: str) -> domain.UnknownException:
        return domain.UnknownException(flag=flag, rules=tuple(self.rules), why=self.why)


class ReminderFile(Strict):
    """A further text, so many hours after the first."""

    after_hours: Annotated[int, Field(ge=1, le=72)]
    """Hours since the first text."""
    by: Literal["same", "other"]
    """The channel of the first text, or the patient's other one."""

    def value(self) -> domain.Reminder:
        return domain.Reminder(after_hours=self.after_hours, by=domain.ReminderBy(self.by))


class TouchFile(Strict):
    """One contact: so many days after the procedure, at that time where the patient lives."""

    day: Annotated[int, Field(ge=0, le=365)]
    """Days after the procedure."""
    at: Annotated[str, Field(pattern=_CLOCK_TIME)]
    """Time where the patient lives, in quotes."""
    items: Literal["all"] | Annotated[list[str], Field(min_length=1)]
    """What is asked."""
    reminders: Annotated[list[ReminderFile], Field(max_length=2, default_factory=list)]
    """Further texts to a patient who has not answered, the earlier first."""

    def value(self, key: str) -> domain.Touch:
        items = None if self.items == "all" else tuple(self.items)
        reminders = tuple(reminder.value() for reminder in self.reminders)
        return domain.Touch(key=key, day=self.day, at=time.fromisoformat(self.at), items=items, reminders=reminders)


class ProtocolFile(Strict):
    """A whole protocol."""

    protocol: Annotated[str, Field(pattern=_SLUG)]
    """The name of the folder."""
    version: Annotated[int, Field(ge=1)]
    """The number in the file's name."""
    title: Words
    languages: Annotated[list[Annotated[str, Field(pattern=_LANGUAGE)]], Field(min_length=1)]
    """The one to fall back to first."""
    schedule: Annotated[dict[Key, TouchFile], Field(min_length=1)]
    flags: dict[Key, FlagFile]
    """Facts about patient and procedure that rules may use. Not known counts as present."""
    body_sites: dict[Key, SettlesFile]
    agents: dict[Key, SettlesFile]
    items: Annotated[dict[Key, AnyItemFile], Field(min_length=1)]
    """The questions in the order asked."""
    sets: dict[Key, ConditionFile]
    """Names for conditions that several rules share."""
    rules: Annotated[dict[Annotated[str, Field(pattern=_RULE_ID)], RuleFile], Field(min_length=1)]
    unknown_as_absent: Annotated[dict[Key, ExceptionFile], Field(default_factory=dict)]
    """Flag to the rules in which it counts as absent while it is not known."""
    hazards: Annotated[dict[Key, HazardFile], Field(default_factory=dict)]
    """Promises that the proof holds against the rules."""
    red_words: dict[str, Annotated[list[Text], Field(min_length=1)]]
    """Language to phrases that a text answer is searched for."""
    tiers: TiersFile
    words: dict[Key, Words]

    def value(self, *, source_text: str, sha256: str) -> domain.Protocol:
        """The domain's protocol, its references not yet checked."""
        return domain.Protocol(
            slug=self.protocol,
            version=self.version,
            title=self.title,
            languages=tuple(self.languages),
            flags=tuple(domain.ContextFlag(key=key, label=flag.label) for key, flag in self.flags.items()),
            body_sites=tuple(
                domain.BodySite(key=key, label=site.label, sets=site.flags()) for key, site in self.body_sites.items()
            ),
            agents=tuple(
                domain.Agent(key=key, label=agent.label, sets=agent.flags()) for key, agent in self.agents.items()
            ),
            items=tuple(item.value(key) for key, item in self.items.items()),
            sets=tuple(domain.DerivedSet(name=name, when=when.value()) for name, when in self.sets.items()),
            rules=tuple(rule.value(rule_id) for rule_id, rule in self.rules.items()),
            hazards=tuple(hazard.value(key) for key, hazard in self.hazards.items()),
            unknown_exceptions=tuple(each.value(flag) for flag, each in self.unknown_as_absent.items()),
            tiers={tier: getattr(self.tiers, tier.value).value() for tier in domain.Tier},
            words=self.words,
            touches=tuple(touch.value(key) for key, touch in self.schedule.items()),
            red_words={language: tuple(phrases) for language, phrases in self.red_words.items()},
            source_text=source_text,
            sha256=sha256,
        )
