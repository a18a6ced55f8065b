"""Files that come as multipart/form-data, also from clients that write it carelessly."""

from dataclasses import dataclass

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request


@dataclass(frozen=True)
class Upload:
    """The first file of a body."""

    filename: str
    content_type: str
    content: bytes


def is_multipart(headers: Headers) -> bool:
    return headers.get("content-type", "").strip().lower().startswith("multipart/form-data")


async def first_file(request: Request, *, takes_nameless: bool) -> Upload | None:
    """None when there is none: no part with a file name, no boundary, a body that breaks off.

    A part without a name is taken only where the platform is as observed.
    """
    parser = _CarelessParser(request.headers, request.stream())
    try:
        form = await parser.parse()
    except MultiPartException:
        return None
    try:
        files = [(name, part) for name, part in form.multi_items() if isinstance(part, UploadFile)]
        found = next((part for name, part in files if name or takes_nameless), None)
        return None if found is None else await _read(found)
    finally:
        await form.close()


async def _read(part: UploadFile) -> Upload:
    return Upload(part.filename or "file", part.content_type or "application/octet-stream", await part.read())


class _CarelessParser(MultiPartParser):
    """Parts may lack a name: it is then empty."""

    def on_headers_finished(self) -> None:
        given = self._current_part.content_disposition or b"form-data"
        if b"name" not in parse_options_header(given)[1]:
            self._current_part.content_disposition = given + b'; name=""'
        super().on_headers_finished()
