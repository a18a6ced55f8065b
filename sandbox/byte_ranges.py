"""Files that may be fetched in pieces (`Range`, 206)."""

import re

from starlette.responses import Response

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def file_response(content: bytes, asked: str, *, media_type: str, headers: dict[str, str] | None = None) -> Response:
    """The whole file, or the one range asked for; 416 when it lies outside."""
    found = _RANGE.fullmatch(asked.strip())
    shared = {"accept-ranges": "bytes"} | (headers or {})
    if found is None or found.groups() == ("", ""):
        return Response(content, media_type=media_type, headers=shared)
    first, last = found.groups()
    begin = int(first) if first else max(0, len(content) - int(last))
    end = min(int(last), len(content) - 1) if first and last else len(content) - 1
    if begin > end:
        return Response(status_code=416, headers=shared | {"content-range": f"bytes */{len(content)}"})
    shared |= {"content-range": f"bytes {begin}-{end}/{len(content)}"}
    return Response(content[begin : end + 1], 206, media_type=media_type, headers=shared)
