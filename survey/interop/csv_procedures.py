"""A CSV file of procedures: bytes to rows under our own column names, with what is wrong said in words."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import combining, normalize

import yaml

from survey.domain.errors import Refused
from survey.domain.patients import Problem
from survey.domain.protocol import Protocol
from survey.settings import ROOT

MAX_BYTES = 5_000_000
MAX_ROWS = 5_000
MAX_COLUMNS = 100
MAX_CELL = 500
REQUIRED = ("given_name", "family_name", "born_on", "performed_on")
SEPARATORS = (",", ";", "\t")
NAMES = ROOT / "config" / "import.yaml"
_SAVE_AS = "In your spreadsheet choose “Save as” and the type “CSV UTF-8”, then import that file."
_FORMULA = ("=", "+", "-", "@")
_MAY_BEGIN_WITH_PLUS = {"mobile"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row: where it begins in the file (1 is the header), its cells under our names, and what is wrong with it."""

    number: int
    cells: Mapping[str, str]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The file: `header` is our column to the file's, `ignored` are the columns that nobody knows."""

    header: Mapping[str, str]
    ignored: tuple[str, ...]
    lines: tuple[Line, ...]


def read(content: bytes, *, pack: Protocol) -> Sheet:
    """The rows of a file. Raises Refused when the file as a whole cannot be used."""
    if len(content) > MAX_BYTES:
        raise Refused(f"The file is larger than {MAX_BYTES // 1_000_000} MB. Split it into smaller files.")
    text = _decode(content)
    rows = _rows(text)
    titles = next(rows, (1, []))[1]
    columns = _columns(titles, pack)
    lines = tuple(_line(number, row, columns, titles) for number, row in rows if any(cell.strip() for cell in row))
    if not lines:
        raise Refused("The file has no rows below its header.")
    used = {name: titles[index].strip() for index, name in columns.items()}
    ignored = tuple(title.strip() for index, title in enumerate(titles) if index not in columns and title.strip())
    return Sheet(header=used, ignored=ignored, lines=lines)


def _decode(content: bytes) -> str:
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Refused(f"This is a spreadsheet workbook, not a CSV file. {_SAVE_AS}")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused(f"The file is written in UTF-16. {_SAVE_AS}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Refused(f"Line {line} of the file is not written in UTF-8. {_SAVE_AS}") from None
    if "\0" in text:
        raise Refused(f"The file holds signs that no CSV file has. {_SAVE_AS}")
    return text


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line it begins on; more rows than allowed raise Refused, and so does a broken quote."""
    separator = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    count, begins = 0, 1
    try:
        for row in reader:
            if count > MAX_ROWS:
                raise Refused(f"The file has more than {MAX_ROWS:,} rows. Split it into smaller files.")
            yield begins, row
            count, begins = count + bool(row), reader.line_num + 1
    except csv.Error as error:
        raise Refused(f"Line {begins} cannot be read as CSV ({error}). Look for a stray quotation mark.") from None


def _separator(text: str) -> str:
    """Comma, semicolon or tab: whichever stands most often in the header."""
    header = text[: MAX_BYTES // 50].lstrip("\r\n").split("\n", 1)[0]
    return max(SEPARATORS, key=header.count)


def _columns(titles: Sequence[str], pack: Protocol) -> Mapping[int, str]:
    """Position to our column name. Raises Refused for too many, doubled or missing columns."""
    if len(titles) > MAX_COLUMNS:
        raise Refused(f"The file has {len(titles):,} columns; at most {MAX_COLUMNS} can be read. Is it the right file?")
    known = _known(pack)
    found: dict[int, str] = {}
    for index, title in enumerate(titles):
        name = known.get(_bare(title))
        if name in found.values():
            raise Refused(f"Two columns hold the same thing, one of them is “{title.strip()[:60]}”. Remove one.")
        if name is not None:
            found[index] = name
    missing = [name for name in REQUIRED if name not in found.values()]
    if missing:
        wanted = ", ".join(name.replace("_", " ") for name in missing)
        raise Refused(f"The first line of the file must name these columns, and does not: {wanted}.")
    return found


def _known(pack: Protocol) -> dict[str, str]:
    """Every spelling of a column's name, to our name; the protocol's flags are columns as well."""
    known = {_bare(title): name for name, titles in _titles().items() for title in (name, *titles)}
    for flag in pack.flags:
        known |= {_bare(title): flag.key for title in (flag.key, *flag.label.values())}
    return known


@lru_cache(maxsize=1)
def _titles() -> Mapping[str, tuple[str, ...]]:
    loaded = yaml.safe_load(NAMES.read_text(encoding="utf-8"))
    return {name: tuple(titles) for name, titles in loaded.items()}


def _bare(title: str) -> str:
    """A title without capitals, accents, blanks and marks."""
    return "".join(one for one in normalize("NFD", title.casefold()) if one.isalnum() and not combining(one))


def _line(number: int, row: Sequence[str], columns: Mapping[int, str], titles: Sequence[str]) -> Line:
    cells = {name: row[index].strip() for index, name in columns.items() if index < len(row)}
    problems = [problem for name, cell in cells.items() if (problem := _fault(name, cell))]
    if len(row) > len(titles):
        reason = f"The row has {len(row)} cells, the header {len(titles)}. Put text that holds a separator in quotes."
        problems.append(Problem(column="", reason=reason))
    return Line(number=number, cells={name: cell[:MAX_CELL] for name, cell in cells.items()}, problems=tuple(problems))


def _fault(name: str, cell: str) -> Problem | None:
    if len(cell) > MAX_CELL:
        return Problem(column=name, reason=f"The cell is longer than {MAX_CELL} characters.")
    if cell.startswith(_FORMULA) and not (name in _MAY_BEGIN_WITH_PLUS and cell.startswith("+")):
        return Problem(column=name, reason=f"The cell begins with “{cell[0]}”, like a formula. Write plain text.")
    return None
