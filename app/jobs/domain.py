"""The manifest of the queue."""

from __future__ import annotations

from app.jobs.held import counted, traced
from app.jobs.runner import JOBS_OF_THE_QUEUE, SCHEDULE_OF_THE_QUEUE
from app.manifest import Domain

DOMAIN = Domain(
    name="jobs",
    jobs=JOBS_OF_THE_QUEUE,
    overview=[counted],
    traces=[traced],
    schedule=SCHEDULE_OF_THE_QUEUE,
)
