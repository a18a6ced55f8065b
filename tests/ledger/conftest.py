"""The ledger's tests begin with something that is sent: see tests/delivery/conftest.py."""

from __future__ import annotations

from tests.delivery.conftest import busy_desk, desk, sandbox_config
from tests.manners import like

__all__ = ["busy_desk", "desk", "like", "sandbox_config"]  # fixtures, found by name
