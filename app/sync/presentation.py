"""Sync runs as REST shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy.ext.asyncio import AsyncSession

from app.sync.schemas import SyncChangeOut, SyncRunOut, SyncRunSummary
from app.sync.shown import named_differences
from models.org import OrgChange, SyncRun


def summaries(rows: Sequence[SyncRun]) -> list[SyncRunSummary]:
    return [SyncRunSummary.model_validate(row, from_attributes=True) for row in rows]


def run(row: SyncRun) -> SyncRunOut:
    return SyncRunOut.model_validate(row, from_attributes=True)


async def changes(session: AsyncSession, rows: Sequence[OrgChange]) -> list[SyncChangeOut]:
    """Each with its name: three statements for a page."""
    return [SyncChangeOut(**asdict(one)) for one in await named_differences(session, rows)]
