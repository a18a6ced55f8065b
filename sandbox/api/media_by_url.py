"""media/upload_by_url: large files fetched by the platform itself (doc path/96219)."""

import asyncio
import hashlib
import secrets
from typing import Any

import httpx

from sandbox import events
from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.api.media import MEDIA_SECONDS, MEGABYTE
from sandbox.conversations import Media
from sandbox.errors import PlatformError, ok
from sandbox.jobs import FetchJob
from sandbox.state import SandboxState

BYTES_MOST = 200 * MEGABYTE
NAME_BYTES = 128
URL_BYTES = 1_024
KEPT_SECONDS = 3_600
RUNNING, DONE, FAILED = 1, 2, 3


def upload_by_url(call: Call) -> dict[str, Any]:
    """Scene 1 alone (welcome messages of customer groups), video or file."""
    body = call.body
    if body.get("scene") != 1 or body.get("type") not in {"video", "file"}:
        raise PlatformError(40058, "scene or type")
    name, url = str(body.get("filename", "")), str(body.get("url", ""))
    if not 1 <= len(name.encode()) <= NAME_BYTES or not body.get("md5"):
        raise PlatformError(40058, "filename or md5")
    if not url.startswith(("http://", "https://")) or len(url.encode()) > URL_BYTES:
        raise PlatformError(830001)
    job = FetchJob(secrets.token_urlsafe(32), call.identity, call.state.now() + KEPT_SECONDS)
    job.kind, job.filename, job.url, job.md5 = str(body["type"]), name, url, str(body["md5"]).lower()
    call.state.jobs.fetches[job.id] = job
    task = asyncio.create_task(_fetch(call.state, job))
    call.state.jobs.running.add(task)
    task.add_done_callback(call.state.jobs.running.discard)
    return ok(jobid=job.id)


async def _fetch(state: SandboxState, job: FetchJob) -> None:
    try:
        content = await state.pusher.download(job.url, most=BYTES_MOST)
    except PlatformError as error:
        job.errcode = error.errcode
    except httpx.HTTPError:
        job.errcode = 830003
    else:
        _keep(state, job, content)
    job.status = FAILED if job.errcode else DONE
    config = state.config
    head = events.elements({"Event": "upload_media_job_finish", "JobId": job.id})
    state.pusher.push("app", events.envelope(config.corp_id, "sys", state.now(), "event", head))


def _keep(state: SandboxState, job: FetchJob, content: bytes) -> None:
    if hashlib.md5(content).hexdigest() != job.md5:  # noqa: S324 - the platform's checksum
        job.errcode = 301019
        return
    expires_at = state.now() + MEDIA_SECONDS
    media = Media(secrets.token_urlsafe(32), job.kind, job.filename, "application/octet-stream", content, expires_at)
    state.media[media.media_id] = media
    job.media_id = media.media_id


def get_result(call: Call) -> dict[str, Any]:
    """`status` 1 running, 2 done, 3 failed; known for an hour."""
    job = call.state.jobs.fetches.get(str(call.body.get("jobid", "")))
    if job is None or job.owner != call.identity or call.state.now() >= job.expires_at:
        raise PlatformError(40088)
    detail: dict[str, Any] = {"errcode": job.errcode, "errmsg": "ok" if not job.errcode else "failed"}
    if job.media_id:
        detail |= {"media_id": job.media_id, "created_at": str(int(job.expires_at - KEPT_SECONDS))}
    return ok(status=job.status, detail=detail)


def _exact(handle: Any) -> Endpoint:
    return Endpoint("POST", handle, fidelity=Fidelity.EXACT, source="path/96219")


ENDPOINTS = {"media/upload_by_url": _exact(upload_by_url), "media/get_upload_by_url_result": _exact(get_result)}
