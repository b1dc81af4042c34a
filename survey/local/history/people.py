"""Invented people for the demo: names that nobody bears, and numbers that are kept free for fiction."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

ENGLISH = """Ada Basil Cora Dexter Edith Felix Greta Hugo Iris Jasper Kit Lorna Miles Nell Otis Pearl Quentin Rosa Silas
Thea Ursula Vernon Wilma Xavier Yvonne Zeke"""
SPANISH = """Amparo Bruno Celia Darío Elvira Fermín Gloria Horacio Inés Jacinto Lucía Matías Nuria Octavio Paloma Ramiro
Sonia Tomás"""
GIVEN = {"en": tuple(ENGLISH.split()), "es": tuple(SPANISH.split())}
FAMILY = {
    "en": tuple(
        f"{first}{last}"
        for first in ("Demo", "Example", "Fable", "Fiction", "Mock", "Pretend", "Sample", "Story", "Test")
        for last in ("berg", "bridge", "croft", "field", "ford", "ley", "man", "ridge", "son", "stone", "ton", "wood")
    ),
    "es": tuple(
        f"{first}{last}"
        for first in ("Cuent", "Ejempl", "Fabul", "Ficticion", "Muestr", "Prueb")
        for last in ("al", "ández", "aro", "edo", "era", "ero", "ez", "ino", "ona", "osa")
    ),
}
"""Every family name says that it is made up: Sampleton, Mockridge, Ejemplez, Pruebero."""

AREA_CODES = (*range(205, 211), *range(212, 219), *range(301, 306), *range(307, 311), *range(312, 318), 202)
"""North American codes that exist, so that the numbers pass every check of a real one."""

SPANISH_SHARE = 0.18
NEWEST_BIRTH_YEARS, OLDEST_BIRTH_YEARS = 21, 84


@dataclass(frozen=True, slots=True, kw_only=True)
class Invented:
    """One person who does not exist. `mobile` is in E.164 form, +1 NXX 555 01XX; `email` ends in example.org."""

    given_name: str
    family_name: str
    born_on: date
    language: str
    mobile: str
    email: str


def numbers(*, first: int = 0) -> Iterator[str]:
    """Mobile numbers of the range kept free for fiction, each once: 100 to an area code."""
    for index in range(first, len(AREA_CODES) * 100):
        yield f"+1{AREA_CODES[index // 100]}55501{index % 100:02}"


def people(*, seed: int, today: date, free: Iterator[str]) -> Iterator[Invented]:
    """One after the other, the same for the same seed and day, until the numbers in `free` are used up."""
    random = Random(seed)  # noqa: S311 (the same people at every start is the point)
    for mobile in free:
        language = "es" if random.random() < SPANISH_SHARE else "en"
        given, family = random.choice(GIVEN[language]), random.choice(FAMILY[language])
        years = random.triangular(NEWEST_BIRTH_YEARS, OLDEST_BIRTH_YEARS, 52)
        yield Invented(
            given_name=given,
            family_name=family,
            born_on=today - timedelta(days=round(years * 365.25)),
            language=language,
            mobile=mobile,
            email=f"patient.{mobile[2:]}@example.org",
        )
