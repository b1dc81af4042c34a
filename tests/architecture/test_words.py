"""The words of the house: what patients are never told, what files are never called, what is never left behind."""

import re
import subprocess
from string import Formatter

import pytest
import yaml

from survey.interop import protocol_yaml
from survey.messaging.linter import STAFF
from survey.settings import ROOT

LANGUAGES = ("en", "es")
NEVER_SAID = re.compile(
    r"don['’]t worry|do not worry|nothing to worry|no worries|no se preocupe|no te preocupes|tranquil[oa]s?\b",
    re.IGNORECASE,
)
TELLS_OF_CARE = re.compile(
    r"\b(inject\w*|shots?|needle\w*|trigger|muscle\w*|procedure|surger\w*|treatment|inyecc\w*|aguja\w*|músculo\w*|"
    r"procedimiento|cirug\w*|tratamiento|dolor|pain)\b",
    re.IGNORECASE,
)
DRAWERS = {"base", "common", "helpers", "manager", "misc", "utils"}
ALLOWED_DRAWERS = {"survey/store/base.py"}
"""The column types and the metadata that all tables share."""
LEFT_BEHIND = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|[Ll]orem ipsum")


def patient_words() -> dict[str, dict[str, str]]:
    """Language → key → sentence."""
    return {
        language: yaml.safe_load((ROOT / f"config/words/patient.{language}.yaml").read_text(encoding="utf-8"))
        for language in LANGUAGES
    }


def messages() -> dict[str, str]:
    """File → text, of every message to a patient."""
    folders = (folder for folder in (ROOT / "templates/messages").iterdir() if folder.name not in STAFF)
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for folder in folders
        for path in sorted(folder.iterdir())
    }


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


def test_every_sentence_for_patients_stands_in_every_language():
    english, spanish = (patient_words()[language] for language in LANGUAGES)

    assert english.keys() == spanish.keys()


def test_every_translation_has_the_same_gaps_to_fill():
    english, spanish = (patient_words()[language] for language in LANGUAGES)

    uneven = [key for key in english if gaps(english[key]) != gaps(spanish[key])]

    assert not uneven


def gaps(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(str(sentence)) if name}


def test_every_message_to_patients_is_written_in_every_language():
    names = {tuple(path.rpartition("/")[::2]) for path in messages()}

    missing = [
        f"{folder}/{name}"
        for folder, name in names
        for language in LANGUAGES
        if (folder, re.sub(r"\.\w\w\.txt$", f".{language}.txt", name)) not in names
    ]

    assert not missing


def test_nobody_is_told_not_to_worry():
    packs = {str(path): path.read_text(encoding="utf-8") for path in (ROOT / "config/protocols").rglob("*.yaml")}
    said = {
        **{
            f"{language}: {key}": str(text)
            for language, words in patient_words().items()
            for key, text in words.items()
        },
        **messages(),
        **{path: without_comments(text) for path, text in packs.items()},
    }

    assert not [where for where, text in said.items() if NEVER_SAID.search(text)]


def without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def test_no_message_tells_a_bystander_about_the_care():
    assert not {path: found.group() for path, text in messages().items() if (found := TELLS_OF_CARE.search(text))}


def test_no_message_names_a_part_of_the_body():
    pack = protocol_yaml.load(
        (ROOT / "config/protocols/trigger-point-injection/v1.yaml").read_text(encoding="utf-8"), name="v1.yaml"
    )
    parts = {
        word.lower()
        for site in pack.body_sites
        for label in site.label.values()
        for word in re.findall(r"[^\W\d_]{4,}", label)
    } - {"next", "side", "with", "from", "somewhere", "else", "otro", "lugar", "junto", "height", "altura"}

    told = {
        path: word
        for path, text in messages().items()
        for word in re.findall(r"[^\W\d_]{4,}", text.lower())
        if word in parts
    }

    assert not told


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (NEVER_SAID, "Please don’t worry about it"),
        (NEVER_SAID, "No se preocupe"),
        (TELLS_OF_CARE, "How is your injection site?"),
        (TELLS_OF_CARE, "su procedimiento"),
        (LEFT_BEHIND, "# TODO: later"),
    ],
)
def test_forbidden_words_are_found(pattern: re.Pattern[str], text: str):
    assert pattern.search(text)


def test_no_module_is_a_drawer_for_odds_and_ends():
    drawers = {
        path
        for path in tracked()
        if path.startswith(("survey/", "workers/")) and path.endswith(".py") and path.rpartition("/")[2][:-3] in DRAWERS
    }

    assert drawers == ALLOWED_DRAWERS


def test_nothing_half_done_is_left_behind():
    texts = [
        path for path in tracked() if path.endswith((".py", ".html", ".yaml", ".yml", ".md", ".toml", ".sh", ".css"))
    ]

    found = {
        path: match.group()
        for path in texts
        if "vendor" not in path and path != "tests/architecture/test_words.py" and (ROOT / path).is_file()
        if (match := LEFT_BEHIND.search((ROOT / path).read_text(encoding="utf-8")))
    }

    assert not found
