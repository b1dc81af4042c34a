"""Nothing in the code knows the first protocol: what is clinical stands in the pack."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLINICAL = (
    "bupivacaine",
    "headneck",
    "levator",
    "lidocaine",
    "paraspinal",
    "pneumothorax",
    "rhomboid",
    "site_chest",
    "site_spine",
    "trapezius",
    "trigger point",
    "trigger-point",
    "trigger_point",
    "weakfx",
)
"""Words that only the pack may use."""

INVENTED = ROOT / "survey/local/history"
"""The demo's invented past: it answers the shipped pack by name, runs nowhere else and decides nothing."""


@pytest.mark.parametrize("folder", ["survey", "workers", "templates"])
def test_the_code_names_no_procedure_muscle_or_item_of_the_first_pack(folder: str) -> None:
    sources = [
        path
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".html", ".txt", ".svg"} and INVENTED not in path.parents
    ]

    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in sources
        for word in CLINICAL
        if word in path.read_text(encoding="utf-8").casefold()
    ]

    assert found == [], "move it into config/protocols: the code has to serve every protocol"
