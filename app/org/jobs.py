"""Background work for the organisation: names are spelled, so that they are found by pinyin and initials."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.database import transaction
from app.jobs.job import Job, JobContext, JobFunction, Nothing
from app.org.search import keep
from app.settings import Settings

SPELL: Final = Job("org.spell_changed", Nothing)
"""The names of people who have changed lately, and of departments: each minute, so soon after every sync, hint and
rename, whoever made it."""
SPELL_ALL: Final = Job("org.spell_all", Nothing)
"""Whatever was missed."""
LATELY: Final = timedelta(hours=2)


async def spell_changed(ctx: JobContext, _payload: Nothing) -> None:
    await _spell(ctx, since=ctx.now() - LATELY)


async def spell_all(ctx: JobContext, _payload: Nothing) -> None:
    await _spell(ctx, since=None)


async def _spell(ctx: JobContext, *, since: datetime | None) -> None:
    """Part by part, one transaction each. Where nothing has changed, this is one look."""
    async with transaction(ctx.sessions) as session:
        await keep.spell_departments(session)
        people = await keep.people_to_spell(session, since=since)
    for start in range(0, len(people), keep.PART):
        async with transaction(ctx.sessions) as session:
            await keep.spell_people(session, people[start : start + keep.PART])
    if len(people) == keep.AT_A_LOOK:
        async with transaction(ctx.sessions) as session:
            await SPELL_ALL.enqueue(session, Nothing())


async def start_up(session: AsyncSession, *, now: datetime, settings: Settings) -> None:  # noqa: ARG001 -- as the manifest calls it
    """The first names after an upgrade need not wait for the hour."""
    await SPELL_ALL.enqueue(session, Nothing(), dedupe_key=SPELL_ALL.name)


JOBS: dict[str, JobFunction] = SPELL.run_by(spell_changed) | SPELL_ALL.run_by(spell_all)
SCHEDULE: dict[str, str] = {SPELL.name: "* * * * *", SPELL_ALL.name: "41 * * * *"}
