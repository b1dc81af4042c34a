"""Imports point one way, only the clock reads the time; and each contract is seen to refuse a breach."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from survey.settings import ROOT

BREACHES = {
    "direction": ("survey/services/sites.py", "import survey.web.guard"),
    "no-homeless-module": ("survey/drawer.py", ""),
    "pure-domain": ("survey/domain/sites.py", "import os"),
    "flask-only-in-web": ("survey/messaging/outcomes.py", "import flask"),
    "celery-only-in-workers": ("survey/store/sites.py", "import celery"),
    "sentinel-without-celery": ("workers/sentinel.py", "import celery"),
    "sql-only-in-store": ("survey/web/guard.py", "import sqlalchemy"),
    "adapters-behind-services": ("survey/web/guard.py", "import survey.store.sites"),
    "services-flow-down": ("survey/services/access.py", "import survey.services.imports"),
    "no-cycles": ("survey/domain/errors.py", "import survey.domain.triage"),
    "clock-at-the-edge": ("survey/services/audit.py", "import survey.clock"),
}
"""Contract → a module, and the line that must not stand in it."""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        str(Path(sys.executable).parent / "lint-imports"),
        "--no-cache",
        "--config",
        str(folder / "pyproject.toml"),
    ]
    environ = {**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def contracts() -> dict[str, str]:
    """Contract → its name, as import-linter prints it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {one["id"]: one["name"] for one in settings["tool"]["importlinter"]["contracts"]}


def test_every_import_contract_is_kept():
    done = lint_imports(ROOT)

    assert done.returncode == 0, done.stdout


def test_every_contract_has_a_breach_here():
    assert set(BREACHES) == set(contracts())


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Contract → KEPT or BROKEN, over a copy of the product with every breach in it."""
    folder = tmp_path_factory.mktemp("breached")
    for package in ("survey", "workers"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for path, line in BREACHES.values():
        with (folder / path).open("a", encoding="utf-8") as module:
            module.write(f"\n{line}\n")
    said = lint_imports(folder).stdout
    return {
        contract: next((word for word in ("KEPT", "BROKEN") if f"{name} {word}" in said), said)
        for contract, name in contracts().items()
    }


@pytest.mark.parametrize("contract", BREACHES)
def test_a_breach_is_refused(verdicts: dict[str, str], contract: str):
    assert verdicts[contract] == "BROKEN"


def ruff(text: str, path: str) -> str:
    command = [str(Path(sys.executable).parent / "ruff"), "check", "--no-cache", "--stdin-filename", path, "-"]
    return subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("reading", ["datetime.now(UTC)", "datetime.utcnow()", "datetime.today()"])
def test_reading_the_time_elsewhere_than_in_the_clock_is_refused(reading: str):
    sample = f'"""Sample."""\n\nfrom datetime import UTC, datetime\n\nmoment = {reading} or UTC\n'

    assert "TID251" in ruff(sample, "survey/services/sample.py")
    assert "TID251" not in ruff(sample, "survey/clock.py")
