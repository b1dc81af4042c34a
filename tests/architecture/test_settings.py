"""Everything that can be configured is explained, and reaches the containers."""

import re

import yaml

from survey.settings import ROOT, Settings

EXAMPLE = ROOT / "config/settings.example.env"
LINE = re.compile(r"^(?:# )?(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)$")


def explained(text: str) -> dict[str, str]:
    """Setting → the comment on the line above it."""
    lines = text.splitlines()
    found = ((LINE.match(line), lines[number - 1].removeprefix("# ")) for number, line in enumerate(lines))
    return {match["name"].lower(): comment for match, comment in found if match}


def default_shown(text: str) -> dict[str, str]:
    """Setting → the value behind `# NAME=`, which says what holds without it."""
    found = (re.match(r"^# ([A-Z][A-Z0-9_]*)=(.*)$", line) for line in text.splitlines())
    return {match[1].lower(): match[2] for match in found if match}


def test_every_setting_stands_in_the_example_with_its_sentence():
    written = explained(EXAMPLE.read_text(encoding="utf-8"))

    meant = {name: field.description for name, field in Settings.model_fields.items()}

    assert written == meant, "write config/settings.example.env anew: one sentence above each setting"


def test_the_example_shows_the_defaults_that_hold():
    shown = default_shown(EXAMPLE.read_text(encoding="utf-8"))

    meant = {
        name: ""
        if field.default in (None, ())
        else str(field.default).lower()
        if field.default is False
        else str(field.default)
        for name, field in Settings.model_fields.items()
        if not field.is_required()
    }

    assert shown == meant


def test_a_setting_that_nobody_explained_is_found():
    text = EXAMPLE.read_text(encoding="utf-8").replace("# HEARTBEAT_URL=", "")

    assert "heartbeat_url" not in explained(text)


def test_the_containers_are_given_every_setting_and_none_that_does_not_exist():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))

    given = set(compose["x-daytwo"]["environment"]) | set(compose["services"]["migrate"]["environment"])

    assert {name.removesuffix("_FILE").lower() for name in given} == set(Settings.model_fields) - {"smtp_ca_file"}


def test_no_secret_is_in_the_containers_environment():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))

    secret = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    plain = {
        f"{service}: {name}"
        for service, wanted in compose["services"].items()
        for name in wanted.get("environment", ())
        if name.lower() in secret or (name.endswith("PASSWORD") and not name.endswith("_FILE"))
    }

    assert not plain
