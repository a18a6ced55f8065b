"""Sync runs as REST shows them."""

from __future__ import annotations

from collections.abc import Sequence

from app.sync.schemas import SyncRunOut, SyncRunSummary
from models.org import SyncRun


def summaries(rows: Sequence[SyncRun]) -> list[SyncRunSummary]:
    return [SyncRunSummary.model_validate(row, from_attributes=True) for row in rows]


def run(row: SyncRun) -> SyncRunOut:
    return SyncRunOut.model_validate(row, from_attributes=True)
