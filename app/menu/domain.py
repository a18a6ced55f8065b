"""The manifest of the menu."""

from __future__ import annotations

from app.manifest import Domain
from app.menu.jobs import OUTCOMES, start_up

DOMAIN = Domain(
    name="menu",
    outcomes=OUTCOMES,
    start_up=start_up,
)
