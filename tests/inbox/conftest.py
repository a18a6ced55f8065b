"""Inbox tests share one database per module (see tests/builders/inbox_database.py)."""

from __future__ import annotations

from tests.builders.inbox_database import database, module_database

__all__ = ["database", "module_database"]  # fixtures, found by name
