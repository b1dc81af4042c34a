"""The cells of one imported row, read into an enrolment: dates, yes and no, and lists by key or label."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from unicodedata import combining, normalize

from survey.domain.patients import ConsentHow, Enrolment, NotEnrollable, Problem
from survey.domain.protocol import Agent, BodySite, Flag, Protocol

_YES = frozenset({"yes", "y", "true", "1", "x", "si", "s"})
_NO = frozenset({"no", "n", "false", "0"})
_UNKNOWN = frozenset({"unknown", "?", "not known", "desconocido", "no se sabe"})
_LANGUAGES: Mapping[str, str] = {
    "english": "en",
    "eng": "en",
    "ingles": "en",
    "spanish": "es",
    "spa": "es",
    "espanol": "es",
}
_BETWEEN = ("|", ";", "/", "\n")


class _Cells:
    """Reads cells one by one and keeps what is wrong, so that a row tells all its faults at once."""

    def __init__(self, cells: Mapping[str, str]) -> None:
        self._cells = cells
        self.problems: list[Problem] = []

    def text(self, column: str) -> str:
        return self._cells.get(column, "")

    def fault(self, column: str, reason: str) -> None:
        self.problems.append(Problem(column=column, reason=reason))

    def day(self, column: str) -> date:
        """The date; some date, with the fault noted, when there is none."""
        cell = self.text(column)
        read = _iso(cell) or _american(cell)
        if read is None:
            shown = f"“{cell[:40]}” is not a date." if cell else "The date is missing."
            self.fault(column, f"{shown} Write it as 2026-03-14, or as 03/14/2026: month first, four-digit year.")
        return read or date.min

    def flag(self, column: str) -> Flag | None:
        """Yes, no, not known; None for an empty cell, which says nothing."""
        cell = _bare(self.text(column))
        if not cell:
            return None
        for words, flag in ((_YES, Flag.YES), (_NO, Flag.NO), (_UNKNOWN, Flag.UNKNOWN)):
            if cell in words:
                return flag
        self.fault(column, f"“{self.text(column)[:40]}” is not an answer here. Write yes, no or unknown.")
        return None

    def members(self, column: str, spellings: Mapping[str, str]) -> tuple[str, ...]:
        """The keys of a list such as “this; that”, each found by one of its spellings."""
        whole = _bare(self.text(column))
        # A label may hold a separator itself.
        parts = [self.text(column)] if whole in spellings else _split(self.text(column))
        keys = []
        for part in parts:
            key = spellings.get(_bare(part))
            if key is None:
                allowed = ", ".join(dict.fromkeys(spellings.values()))
                self.fault(column, f"“{part.strip()[:40]}” is not on the protocol's list. Allowed: {allowed}.")
            else:
                keys.append(key)
        return tuple(dict.fromkeys(keys))

    def language(self, column: str, languages: tuple[str, ...]) -> str:
        cell = _bare(self.text(column))
        code = _LANGUAGES.get(cell, cell) or languages[0]
        if code not in languages:
            self.fault(column, f"“{self.text(column)[:40]}” is not a language here. Allowed: {', '.join(languages)}.")
        return code


def enrolment(cells: Mapping[str, str], *, pack: Protocol) -> Enrolment:
    """The enrolment of a row. Raises NotEnrollable with every cell that cannot be read."""
    row = _Cells(cells)
    flags = {flag.key: row.flag(flag.key) for flag in pack.flags}
    agreed = row.flag("consent") is Flag.YES
    read = Enrolment(
        given_name=row.text("given_name"),
        family_name=row.text("family_name"),
        born_on=row.day("born_on"),
        performed_on=row.day("performed_on"),
        language=row.language("language", pack.languages),
        zone=row.text("zone") or None,
        place=" ".join(filter(None, (row.text("state"), _zip(row.text("zip"))))) or None,
        mobile=row.text("mobile") or None,
        email=row.text("email") or None,
        consent=agreed,
        consent_how=ConsentHow.IMPORT if agreed else None,
        mrn=row.text("mrn") or None,
        body_sites=row.members("body_sites", _places(pack)),
        agents=row.members("agents", _drugs(pack)),
        lot=row.text("lot") or None,
        injector=row.text("injector") or None,
        context={key: flag for key, flag in flags.items() if flag is not None},
    )
    if row.problems:
        raise NotEnrollable(tuple(row.problems))
    return read


@lru_cache(maxsize=16)
def _places(pack: Protocol) -> Mapping[str, str]:
    return _spellings(pack.body_sites)


@lru_cache(maxsize=16)
def _drugs(pack: Protocol) -> Mapping[str, str]:
    return _spellings(pack.agents)


def _spellings(known: Iterable[BodySite | Agent]) -> Mapping[str, str]:
    """Every way to write a place or a drug, its key or a label in any language, to its key."""
    return {_bare(name): one.key for one in known for name in (one.key, *one.label.values())}


def _split(cell: str) -> list[str]:
    for mark in _BETWEEN:
        cell = cell.replace(mark, ",") if mark in cell else cell
    return [part for part in cell.split(",") if part.strip()]


def _zip(cell: str) -> str:
    """The ZIP code with the zero in front that spreadsheets take from Boston's and its neighbors'."""
    return f"0{cell}" if len(cell) == 4 and cell.isascii() and cell.isdigit() else cell


def _iso(cell: str) -> date | None:
    """The one ISO form that people write; weeks and forms without hyphens are left alone."""
    try:
        return date.fromisoformat(cell) if len(cell) == 10 and cell[4] == cell[7] == "-" else None
    except ValueError:
        return None


def _american(cell: str) -> date | None:
    """Month, day and a four-digit year; two digits would leave the century to chance."""
    month, _, rest = cell.partition("/")
    day, _, year = rest.partition("/")
    if not (len(year) == 4 and all(part.isascii() and part.isdigit() for part in (month, day, year))):
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _bare(value: str) -> str:
    """A word without capitals, accents and outer blanks."""
    plain = normalize("NFD", " ".join(value.split()).casefold())
    return "".join(one for one in plain if not combining(one))
