"""media/upload, media/get and media/uploadimg (doc path/90253, path/90254, path/90256)."""

import math
import secrets
from typing import Any
from urllib.parse import quote

from sandbox.api.call import Answer, Call, Endpoint, Fidelity
from sandbox.api.uploads import Upload
from sandbox.byte_ranges import file_response
from sandbox.conversations import Media
from sandbox.errors import PlatformError, ok

MEDIA_SECONDS = 3 * 86_400
SMALLEST = 6
MEGABYTE = 1_024 * 1_024
IMAGE_BYTES = 2 * MEGABYTE
AMR = b"#!AMR"
PICTURES = (b"\xff\xd8\xff", b"\x89PNG")
MOST_BYTES = {"image": 10 * MEGABYTE, "voice": 2 * MEGABYTE, "video": 10 * MEGABYTE, "file": 20 * MEGABYTE}


def upload(call: Call) -> dict[str, Any]:
    """A file for all apps of the company, for three days. `created_at` is a string."""
    kind = call.query.get("type", "")
    if kind not in MOST_BYTES:
        raise PlatformError(40004)
    if call.upload is None:
        raise PlatformError(44001)
    content = call.upload.content
    if len(content) < SMALLEST:
        raise PlatformError(40006)
    if len(content) > MOST_BYTES[kind]:
        raise PlatformError(45001)
    if kind == "voice" and call.state.manners.are_observed and not content.startswith(AMR):
        raise PlatformError(301017)
    media = _keep(call, kind, call.upload)
    return ok(type=kind, media_id=media.media_id, created_at=str(int(call.state.now())))


def _keep(call: Call, kind: str, given: Upload) -> Media:
    expires_at = call.state.now() + MEDIA_SECONDS
    media = Media(secrets.token_urlsafe(32), kind, given.filename, given.content_type, given.content, expires_at)
    call.state.media[media.media_id] = media
    return media


def get(call: Call) -> Answer:
    media = valid_media(call, call.query.get("media_id"))
    disposition = f"attachment; filename*=utf-8''{quote(media.filename)}"
    headers = {"content-disposition": disposition}
    return file_response(media.content, call.range, media_type=media.content_type, headers=headers)


def uploadimg(call: Call) -> dict[str, Any]:
    """A picture for good, with an address of its own; 1,000 a day and 3,000 a month."""
    if call.upload is None:
        raise PlatformError(44001)
    if not SMALLEST <= len(call.upload.content) <= IMAGE_BYTES:
        raise PlatformError(40009)
    if not call.upload.content.startswith(PICTURES):
        raise PlatformError(40123)
    call.state.limits.charge("image")
    media = _keep(call, "image", call.upload)
    media.expires_at = math.inf
    return ok(url=f"{call.base_url}/pictures/{media.media_id}")


def valid_media(call: Call, media_id: Any, *, kind: str | None = None) -> Media:
    """A file that is still there and of the right kind; 40007 otherwise."""
    media = call.state.media.get(str(media_id))
    if media is None or media.expires_at <= call.state.now() or (kind and media.kind != kind):
        raise PlatformError(40007)
    return media


ENDPOINTS = {
    "media/upload": Endpoint("POST", upload, fidelity=Fidelity.EXACT, source="path/90253"),
    "media/get": Endpoint("GET", get, fidelity=Fidelity.EXACT, source="path/90254"),
    "media/uploadimg": Endpoint("POST", uploadimg, fidelity=Fidelity.EXACT, source="path/90256"),
}
