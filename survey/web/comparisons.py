"""What the pages that compare two versions share: the rules of both in words, and how often each would page."""

from collections.abc import Mapping
from dataclasses import dataclass

from survey.domain.comparison import Tally
from survey.domain.protocol import Protocol
from survey.domain.versions import Version
from survey.services import protocols


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Responses that page, as a mean of so many calendar weeks: as it stands and under the other version."""

    weeks: int
    before: float
    after: float
    night_before: float
    night_after: float


def rule_words(*packs: Protocol) -> Mapping[str, str]:
    """Rule id → its reason; where two packs have a rule of one id, the later pack's."""
    return {rule.id: rule.why for pack in packs for rule in pack.rules}


def rules_known_to(one: Version) -> Mapping[str, str]:
    """The rules that a stored score may name, and those of `one`: rule id → its reason, as `one` words it if it can."""
    older = [other for other in protocols.every() if other.slug == one.slug and other.state.is_fixed]
    return rule_words(*(protocols.pack(each.id) for each in (*reversed(older), one)))


def pages_a_week(tally: Tally) -> Load | None:
    """How often the versions page, quiet weeks in between counted; None before the first response."""
    if not tally.weeks:
        return None
    weeks = (max(tally.weeks) - min(tally.weeks)).days // 7 + 1
    found = tally.weeks.values()
    return Load(
        weeks=weeks,
        before=sum(week.before for week in found) / weeks,
        after=sum(week.after for week in found) / weeks,
        night_before=sum(week.night_before for week in found) / weeks,
        night_after=sum(week.night_after for week in found) / weeks,
    )
