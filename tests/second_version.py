"""The second version of the shipped pack, as an author has edited its text."""

from tests.domain.pack import PACK

EDITS = {
    "\nversion: 1\n": "\nversion: 2\n",
    "en: Is the soreness better or worse than it was yesterday?": "en: Is the soreness better <now> than yesterday?",
    "    - want to die\n": "    - want to die\n    - heart attack\n",
    "{ item: breath, in: [exert] }\n        - { flag: site_chest }": "{ item: breath, in: [exert] }",
}
"""What stands in the first version, and what instead in the second."""


def source() -> str:
    """Its whole text."""
    text = PACK.read_text(encoding="utf-8")
    for before, after in EDITS.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text
