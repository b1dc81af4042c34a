"""The filters of worklist and trends, read from the address; what cannot be read is left out: a link may be old."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from survey.domain.worklist import KINDS, Filter

PERIODS = {"1": "1 day", "7": "7 days", "30": "30 days", "90": "90 days", "365": "1 year"}
SPANS = {"4": "4 weeks", "12": "12 weeks", "26": "26 weeks", "52": "1 year"}
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What part of the worklist, over which period, and which page of it. `values` is the same, for links."""

    filter: Filter
    days: int
    page: int
    values: Mapping[str, str]


def worklist(sent: Mapping[str, str], *, me: UUID) -> Asked:
    """The worklist's filters; `me` is who asks, for “mine”."""
    owner = sent.get("owner", "")
    kind = sent.get("kind", "")
    chosen = Filter(
        site_id=site(sent),
        kind=kind if kind in KINDS or kind == "alert" else "",
        owner_id=me if owner == "me" else None,
        unowned=owner == "nobody",
        name=sent.get("q", "").strip()[:LONGEST_NAME],
    )
    days = sent.get("days", "")
    return Asked(
        filter=chosen,
        days=int(days) if days in PERIODS else 30,
        page=page_number(sent.get("page", "")),
        values={key: value for key, value in sent.items() if key in ("site", "kind", "owner", "q", "days") and value},
    )


def weeks(sent: Mapping[str, str]) -> int:
    """How many weeks of trends."""
    asked = sent.get("weeks", "")
    return int(asked) if asked in SPANS else 12


def site(sent: Mapping[str, str]) -> UUID | None:
    """The site asked for."""
    try:
        return UUID(sent.get("site", ""))
    except ValueError:
        return None


def page_number(text: str) -> int:
    return min(int(text), 10_000) if text.isascii() and text.isdigit() and int(text) > 0 else 1
