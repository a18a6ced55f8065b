"""Pages of people, as the service draws them with a large company behind them.

Three people look: an employee, the head of everything below the root, and an administrator. Each opens every page of
the manifests that is theirs and follows its links: one address of each form, with the list's own filters and its next
page, and some searches. The connection is kept, and one page is opened at a time: what is measured is the service's
answer. Beside it the floor: an empty page of the frame.
"""

from __future__ import annotations

import asyncio
import http.client
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from app.bootstrap import REGISTRY
from app.pages.security import form_token
from bench.crowd import ADMINISTRATOR, EMPLOYEE, HEAD, Crowd, settle
from bench.report import Line, at_most, ratio
from bench.stage import Failed, Stage

ROUNDS: Final = 7
MILLISECONDS: Final = 50
FRAMES: Final = 10
FIRST_LOAD_KB: Final = 100
FLOOR: Final = "/me/nothing-here"
"""Told by an empty page of the frame."""
VIEWERS: Final = {"employee": EMPLOYEE, "head": HEAD, "administrator": ADMINISTRATOR}
SHOWN: Final = 6
IDLE_SECONDS: Final = 2
"""The service closes a connection that nobody has used for some seconds."""

SEARCHES: Final = (
    "/console/people?name=wang",
    "/console/people?name=wjg",
    "/console/people?name=建国",
    "/console/people?name=p77",
    "/console/departments?name=部门7",
    "/me/groups?name=项目群77",
)
COMPOSE: Final = "/console/announcements/new"
NOTICE: Final = {"step": "look", "title": "放假", "body": "放假安排", "message_class": "work"}
FORMS: Final = {
    "people_search": {"step": "find", "people_search": "wang"},
    "one letter": {"step": "find", "people_search": "w"},
    "preview": {**NOTICE, "departments": "2"},
    "preview to everybody": {**NOTICE, "departments": "1"},
}
"""Forms that only look: the search for people as one types, and what an announcement would do to whom."""

_LINK: Final = re.compile(r'(?:href|hx-get)="([^"#]+)"')
_ASSET: Final = re.compile(r'"(/assets/[^"]+\.(?:css|js))"')
_ID: Final = re.compile(r"/(?:[0-9a-f]{8}-[0-9a-f-]{27}|\d[\d-]*)(?=/|$)")
_LEFT_OUT: Final = re.compile(r"\.(?:csv|xlsx)$|/source$|^/console/doctor/examination$")
"""Files are no pages; an examination asks the platform, and takes as long as it answers."""


@dataclass(frozen=True)
class Opening:
    """How one person opens one page."""

    viewer: str
    path: str
    fields: dict[str, str] = field(default_factory=dict)
    """Of a form; a page without."""
    title: str = ""

    @property
    def name(self) -> str:
        return f"{self.viewer} {form_of(self.path)}{f' ({self.title})' if self.title else ''}"


def form_of(address: str) -> str:
    """Addresses of one form differ in ids, and in what their filters say."""
    parts = urlsplit(address)
    names = "&".join(sorted({name for name, _ in parse_qsl(parts.query)}))
    return _ID.sub("/…", parts.path) + (f"?{names}" if names else "")


class Reader:
    """A browser of somebody who is signed in."""

    def __init__(self, base: str, token: str) -> None:
        self._http = http.client.HTTPConnection(urlsplit(base).netloc, timeout=60)
        self._token = token
        self._used = time.perf_counter()

    def open(self, opening: Opening) -> tuple[int, bytes, float]:
        """Status, body, seconds."""
        headers = {"Cookie": f"steward_session={self._token}", "Accept-Language": "zh-CN"}
        body = None
        if opening.fields:
            headers |= {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
            body = urlencode(opening.fields | {"form_token": form_token(self._token)})
        if time.perf_counter() - self._used > IDLE_SECONDS:
            self._http.close()
            self._http.connect()
        began = time.perf_counter()
        self._http.request("POST" if body else "GET", opening.path, body, headers)
        answer = self._http.getresponse()
        sent = answer.read()
        self._used = time.perf_counter()
        return answer.status, sent, self._used - began

    def close(self) -> None:
        self._http.close()


async def measure(stage: Stage) -> list[Line]:
    crowd = Crowd.scaled(stage)
    url = await stage.database()
    sandbox = await stage.sandbox(10)
    serve = await stage.serve(url, sandbox)
    stage.say(f"pages: filling {crowd.people:,} people and {crowd.groups:,} groups")
    await settle(url, serve, crowd)
    readers = {name: Reader(serve.base, crowd.tokens[number]) for name, number in VIEWERS.items()}
    try:
        openings = [one for name, reader in readers.items() for one in await asyncio.to_thread(_walk, name, reader)]
        stage.say(f"pages: {len(openings)} openings")
        taken, floor = await asyncio.to_thread(_rounds, stage, readers, openings)
        loads = {
            "今日": await asyncio.to_thread(first_load, readers["employee"], "/me"),
            "概览": await asyncio.to_thread(first_load, readers["administrator"], "/console"),
        }
    finally:
        for reader in readers.values():
            reader.close()
    for name, values in sorted(taken.items(), key=lambda one: -statistics.median(one[1])):
        stage.say(f"pages: {statistics.median(values) * 1000:7.1f} ms  {name}")
    return [*_times(taken, floor, crowd), _size(loads)]


def _walk(viewer: str, reader: Reader) -> list[Opening]:
    """Every page of the manifests, and one of each form that links lead to. All are drawn, or there is no figure."""
    return list(_walked(viewer, reader))


def _walked(viewer: str, reader: Reader) -> Iterator[Opening]:
    waiting = [page.path for page in REGISTRY.pages.values()] + list(SEARCHES)
    seen: set[str] = set()
    while waiting:
        address = waiting.pop(0)
        parts = urlsplit(address)
        key = address if address in SEARCHES else form_of(address)
        if key in seen or _LEFT_OUT.search(parts.path) or not parts.path.startswith(("/me", "/console")):
            continue
        seen.add(key)
        opening = Opening(viewer, _encoded(address), title="search" if address in SEARCHES else "")
        status, body, _ = reader.open(opening)
        if status in {303, 403}:
            continue
        if status != http.client.OK:
            raise Failed(f"{viewer} was answered {status} at {address}: {body.decode()[:2000]}")
        yield opening
        waiting += [unescape(found) for found in _LINK.findall(body.decode())]
    for title, fields in FORMS.items():
        opening = Opening(viewer, COMPOSE, fields, title)
        status, body, _ = reader.open(opening)
        if status == http.client.OK:
            yield opening
        elif status != http.client.FORBIDDEN:
            raise Failed(f"{viewer} was answered {status} for {fields}: {body.decode()[:2000]}")


def _encoded(address: str) -> str:
    parts = urlsplit(address)
    return parts.path + (f"?{urlencode(parse_qsl(parts.query, keep_blank_values=True))}" if parts.query else "")


def _rounds(
    stage: Stage, readers: dict[str, Reader], openings: list[Opening]
) -> tuple[dict[str, list[float]], list[float]]:
    """All in turns, and the floor between them."""
    taken: dict[str, list[float]] = {}
    floor: list[float] = []
    for number in stage.rounds(ROUNDS):
        for opening in openings:
            taken.setdefault(_unique(opening), []).append(readers[opening.viewer].open(opening)[2])
        floor.append(statistics.median(readers["employee"].open(Opening("employee", FLOOR))[2] for _ in range(5)))
        stage.say(f"pages: round {number + 1}")
    return taken, floor


def _unique(opening: Opening) -> str:
    return f"{opening.name} {opening.path}" if opening.title == "search" else opening.name


def first_load(reader: Reader, path: str) -> int:
    """Bytes of a page with its styles and scripts, as they are sent."""
    _, page, _ = reader.open(Opening("", path))
    assets = dict.fromkeys(_ASSET.findall(page.decode()))
    return len(page) + sum(len(reader.open(Opening("", asset))[1]) for asset in assets)


def _times(taken: dict[str, list[float]], floor: list[float], crowd: Crowd) -> list[Line]:
    medians = {name: statistics.median(values) for name, values in taken.items()}
    slowest = sorted(medians, key=lambda name: -medians[name])
    middle = statistics.median_low(medians.values())
    typical = next(name for name in slowest if medians[name] == middle)
    figures = {name: _ms(medians[name]) for name in slowest[:SHOWN]}
    figures |= {f"above {MILLISECONDS} ms": f"{sum(one * 1000 > MILLISECONDS for one in medians.values())}"}
    figures |= {"openings": f"{len(medians)}", "people": f"{crowd.people:,}", "groups": f"{crowd.groups:,}"}
    value, rounds = ratio(taken[typical], floor)
    return [
        Line(
            "pages: the slowest of all, server time",
            "one at a time, each the median of its rounds",
            medians[slowest[0]] * 1000,
            at_most(MILLISECONDS, "ms"),
            figures,
            tuple(one * 1000 for one in taken[slowest[0]]),
        ),
        Line(
            "pages: the one in the middle, server time",
            "an empty page of the frame",
            value,
            at_most(FRAMES),
            {typical: _ms(middle), "empty page": _ms(statistics.median(floor))},
            rounds,
        ),
    ]


def _size(loads: dict[str, int]) -> Line:
    figures = {name: f"{size / 1000:.1f} KB" for name, size in loads.items()}
    what = "pages: first load, page with styles and scripts as sent"
    return Line(
        what, "nothing is kept by the browser yet", max(loads.values()) / 1000, at_most(FIRST_LOAD_KB, "KB"), figures
    )


def _ms(value: float) -> str:
    return f"{value * 1000:.1f} ms"
