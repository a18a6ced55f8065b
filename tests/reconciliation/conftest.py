from __future__ import annotations

from tests.groups.conftest import office

__all__ = ["office"]
