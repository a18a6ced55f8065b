"""Background entry point: one run per leaver."""

from __future__ import annotations

from app.database import transaction
from app.departures.service import Departure, DepartureReason, carry_out
from app.events.service import EventPayload, catalogue
from app.jobs.job import Job, JobContext, JobFunction
from app.manifest import registry_of
from app.observability import get_logger
from app.org import queries as org
from app.org.rules import is_gone
from app.sync.service import PERSON_DEPARTED, DeparturePayload
from models.ids import PersonId

log = get_logger()

LEAVER = Job("departures.person_departed", EventPayload)
"""The subscriber of `person.departed`."""


async def person_departed(ctx: JobContext, payload: EventPayload) -> None:
    """Somebody left or was disabled: run every part."""
    event = payload.read_as(catalogue.PersonDeparted)
    await _run(ctx, Departure(PersonId(event.person_id), event.why))


async def person_departed_before(ctx: JobContext, payload: DeparturePayload) -> None:
    """The same for a job that the release before the event feed has queued."""
    await _run(ctx, Departure(payload.person_id, DepartureReason(payload.why)))


async def _run(ctx: JobContext, departure: Departure) -> None:
    """Whoever is back by now, because a job had to wait, loses nothing."""
    async with transaction(ctx.sessions) as session:
        parts = registry_of(session).departure_parts
        person = await org.person(session, departure.person_id)
    if person is not None and not is_gone(person):
        log.info("departure.over", person_id=str(departure.person_id))
        return
    await carry_out(ctx, departure, parts)


JOBS: dict[str, JobFunction] = LEAVER.run_by(person_departed) | PERSON_DEPARTED.run_by(person_departed_before)

SUBSCRIBERS = {catalogue.PersonDeparted.type: [LEAVER.name]}
