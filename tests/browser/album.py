"""One look at a page as a story passes it; pictures in `DAYTWO_ALBUM`, a folder, for whoever asks for them."""

import os
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

from tests.browser import inspect_page

ALBUM = os.environ.get("DAYTWO_ALBUM")
COLORS: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def looked_at(page: Page, name: str) -> None:
    """Nothing of axe's, nothing too wide, nothing a thumb could miss; pictures."""
    found = [*inspect_page.faults(page), *inspect_page.outline(page), *inspect_page.overflow(page)]
    found += [one for one in inspect_page.small_targets(page) if 'href="#' not in one]  # a summary's links are lines
    pictures(page, name)
    assert not found, found


def pictures(page: Page, name: str) -> None:
    """The page as it stands, from top to bottom, in light and in dark."""
    for colors in COLORS if ALBUM else ():
        page.emulate_media(color_scheme=colors)
        picture(page, f"{name}-{colors}")


def picture(page: Page, name: str) -> None:
    """The page as it stands, from top to bottom."""
    if ALBUM:
        page.screenshot(path=Path(ALBUM) / f"{name}.png", full_page=True)


def keep(printed: bytes, name: str) -> None:
    """The page on paper."""
    if ALBUM:
        (Path(ALBUM) / f"{name}.pdf").write_bytes(printed)
