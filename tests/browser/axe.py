"""axe-core in a page that is open. Its script comes past our policy, as an extension's would."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page

AXE: Final = Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERY_RULE: Final[dict[str, Any]] = {
    "runOnly": {"type": "tag", "values": TAGS},
    "rules": {"target-size": {"enabled": True}},
}
COLOURS: Final[dict[str, Any]] = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
"""What can differ between light and dark."""


@cache
def _script() -> str:
    return AXE.read_text(encoding="utf-8")


async def bring_axe(page: Page) -> None:
    """Once for every page that is loaded."""
    await page.evaluate(_script())


async def violations(page: Page, rules: dict[str, Any] = EVERY_RULE) -> list[str]:
    """What axe-core finds on the page as it looks now. `bring_axe` comes first."""
    asked = rules | {"resultTypes": ["violations"]}
    found: dict[str, Any] = await page.evaluate("rules => axe.run(document, rules)", asked)
    return [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]
