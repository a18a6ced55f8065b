"""Templates, with what all of them may use."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from defusedxml.ElementTree import fromstring
from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from fastapi.templating import Jinja2Templates

from sandbox.limits import DAY, HOUR, format_time
from sandbox.pages.language import language_of, translate
from sandbox.rendering import show_description, show_markdown, show_text
from sandbox.state import SandboxState

HERE = Path(__file__).parents[1]
STATIC = HERE / "static"
COLOURS = 8
BEIJING = 8 * HOUR
WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
WEEK = 7

templates = Jinja2Templates(directory=HERE / "templates")


def opened_by(userid: str) -> Callable[[str], str]:
    """How this person's phone opens an address outside of it: by one of ours, which notes whose browser that is."""

    def address(url: str) -> str:
        return f"/phones/{quote(userid)}/open?url={quote(str(url), safe='')}"

    return address


def _digest() -> str:
    """Changes with the style sheets and scripts, so that browsers fetch the new ones."""
    files = sorted(path for path in STATIC.iterdir() if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:10]


def moment(at: float) -> str:
    return format_time(at)[5:]


def when(at: float, now: float) -> str:
    """As in a list of conversations: today the time, this week the day, before that the date."""
    days = int((now + BEIJING) // DAY) - int((at + BEIJING) // DAY)
    if days <= 0:
        return format_time(at)[11:16]
    if days == 1:
        return "昨天"
    # 1 January 1970 was a Thursday.
    return WEEKDAYS[int((at + BEIJING) // DAY + 3) % WEEK] if days < WEEK else format_time(at)[5:10]


def pretty_xml(text: str) -> str:
    """Indented for reading; what is not XML stays as it came."""
    try:
        tree = fromstring(text)
    except ET.ParseError:
        return text
    ET.indent(tree)
    return ET.tostring(tree, encoding="unicode")


def pretty_json(value: Any) -> str:
    """Indented; also the text of an answer, which may have been cut."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    return json.dumps(value, ensure_ascii=False, indent=2)


def milliseconds(seconds: float) -> str:
    if seconds < 0.001:  # noqa: PLR2004 - a millisecond
        return "<1 ms"
    return f"{seconds * 1_000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def short_name(name: str) -> str:
    """What stands in an avatar: the given name of Chinese people, the first letters of others."""
    return name[:2].title() if name.isascii() else name[-2:]


templates.env.filters |= {
    "moment": moment,
    "xml": pretty_xml,
    "pretty": pretty_json,
    "ms": milliseconds,
    "short": short_name,
    "full_time": format_time,
}
templates.env.globals |= {
    "show_text": show_text,
    "show_markdown": show_markdown,
    "show_description": show_description,
    "opened_by": opened_by,
    "assets": _digest(),
}
_parts: Any = templates.get_template("parts/icons.html").module
templates.env.globals |= {"icon": _parts.icon, "face": _parts.face, "badge": _parts.badge}


def draw(
    request: Request, state: SandboxState, template: str, context: dict[str, Any], *, status: int = 200
) -> Response:
    """A page; 304 when the browser already shows exactly this, so that polling costs nothing there."""
    language = language_of(request)
    shared = {
        "language": language,
        "t": partial(translate, language),
        "company_name": state.config.company_name,
        "offset": state.clock.offset,
        "when": lambda at: translate(language, when(at, state.now())),
        "base_url": str(request.base_url).rstrip("/"),
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
    }
    body = templates.get_template(template).render(shared | context | {"request": request})
    tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:24]}"'
    headers = {"etag": tag, "cache-control": "no-cache", "vary": "accept-language, cookie"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return HTMLResponse(body, status, headers=headers)
