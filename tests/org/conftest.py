"""The organisation that is read here was synced: see tests/sync/conftest.py."""

from __future__ import annotations

from tests.sync.conftest import org_engine, rest, sandbox_config, sessions, world

__all__ = ["org_engine", "rest", "sandbox_config", "sessions", "world"]  # fixtures, found by name
