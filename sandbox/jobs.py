"""Asynchronous imports and exports: one job, its result, and the event at its end (doc path/90979, path/94956).

A job ends after `job_seconds` of the sandbox's clock; with 0, at once.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sandbox import events
from sandbox.errors import PlatformError
from sandbox.pushes import CallbackChannel

Row = dict[str, Any]
IMPORTS_KEPT = 5
EXPORT_SECONDS = 7_200


@dataclass
class FetchJob:
    """A file that the platform fetches itself (doc path/96219)."""

    id: str
    owner: str
    expires_at: float
    kind: str = "file"
    filename: str = ""
    url: str = ""
    md5: str = ""
    status: int = 1
    errcode: int = 0
    media_id: str = ""


@dataclass
class ExportFile:
    content: bytes
    """Encrypted; `size` and `md5` in the result are of this."""


@dataclass
class Job:
    id: str
    kind: str
    """JobType of the event: sync_user, replace_party, export_user …"""
    owner: str
    """The credential that submitted it; nobody else may ask for the result."""
    started_at: float
    ends_at: float
    work: Callable[["Job"], None]
    target: CallbackChannel | None
    total: int = 0
    errcode: int = 0
    errmsg: str = "ok"
    rows: list[Row] = field(default_factory=list)
    files: list[ExportFile] = field(default_factory=list)
    is_done: bool = False

    @property
    def is_import(self) -> bool:
        return not self.kind.startswith("export_")


class Jobs:
    """All jobs of the company. Of imports only the last five results are kept (40089)."""

    def __init__(self) -> None:
        self.known: dict[str, Job] = {}
        self.purged: set[str] = set()
        self.fetches: dict[str, FetchJob] = {}
        self.running: set[asyncio.Task[None]] = set()

    def of(self, job_id: str, owner: str, *, is_import: bool) -> Job:
        if job_id in self.purged:
            raise PlatformError(40089)
        job = self.known.get(job_id)
        if job is None or job.owner != owner or job.is_import is not is_import:
            raise PlatformError(40088)
        return job

    def check_free(self) -> None:
        """One import at a time in a company."""
        if any(job.is_import and not job.is_done for job in self.known.values()):
            raise PlatformError(302008)

    def add(self, job: Job) -> None:
        self.known[job.id] = job
        imports = [known for known in self.known.values() if known.is_import]
        for old in imports[:-IMPORTS_KEPT]:
            del self.known[old.id]
            self.purged.add(old.id)


def new_job_id() -> str:
    return secrets.token_urlsafe(32)


@contextmanager
def _reported(job: Job) -> Iterator[None]:
    """A refusal of the whole job is its result, not an answer to anybody."""
    try:
        yield
    except PlatformError as error:
        job.errcode, job.errmsg = error.errcode, error.text


def run(job: Job) -> None:
    with _reported(job):
        job.work(job)
    job.is_done = True


def result_event(corp_id: str, job: Job, at: float) -> str:
    """`batch_job_result` (doc path/90973). ErrCode 0 only says that the job ran."""
    inside = events.elements({"JobId": job.id, "JobType": job.kind, "ErrCode": job.errcode, "ErrMsg": job.errmsg})
    head = events.elements({"Event": "batch_job_result"})
    return events.envelope(corp_id, "sys", at, "event", f"{head}<BatchJob>{inside}</BatchJob>")
