"""Whoever takes a list as a file stands in the audit trail: which list, with which filters, how many rows (D17).

Every route that answers with a file is walked over: a new one fails here until it goes through `app.exports`.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.access import service as access
from app.audit.actor import SYSTEM
from app.bootstrap import REGISTRY
from app.console.router import router as console
from app.database import transaction
from app.exports.service import ListName
from app.h5.router import router as h5
from app.spreadsheets.download import SheetFormat
from models.audit import AuditDetail, AuditEntry
from tests.architecture.test_interface import routes
from tests.pages.conftest import house
from tests.pages.furnished import Furniture, furnish
from tests.pages.operations import let
from tests.pages.world import House
from tests.spreadsheets.reading import csv_rows
from tests.web.conftest import client_of

__all__ = ["house"]

ENDING: Final = "{ending}"
PAGES: Final = sorted(route.path for route in routes([console, h5]) if ENDING in route.path)
REST: Final = sorted(route.path for route in routes(REGISTRY.routers) if ENDING in route.path)


def list_of(path: str) -> str:
    """Which list a route hands out, by its address."""
    return "receipts" if "receipts" in path else path.removeprefix("/console").split("/")[1]


def address(path: str, things: Furniture, ending: str) -> str:
    return path.replace(ENDING, ending).replace("{announcement_id}", str(things.to_research))


async def taken(house: House) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Which list, by whom, and what the trail says besides."""
    async with house.services.sessions() as session:
        statement = (
            select(AuditEntry, col(AuditDetail.details))
            .join(AuditDetail, col(AuditDetail.entry_id) == col(AuditEntry.id))
            .where(col(AuditEntry.action) == "list.exported")
            .order_by(col(AuditEntry.id))
        )
        rows = await session.execute(statement)
        return [(row.object_id, row.actor_kind, row.actor_id, details) for row, details in rows]


@pytest.fixture
async def things(house: House) -> Furniture:
    await let(house.services, house.company, "zhao", "administrator")
    async with transaction(house.services.sessions) as session:
        return await furnish(session, house.company, now=house.clock.now())


def test_every_list_that_there_is_has_a_route() -> None:
    assert {list_of(path) for path in PAGES + REST} == {one.value for one in ListName}
    assert len(PAGES) >= 6
    assert len(REST) >= 3


@pytest.mark.parametrize("ending", list(SheetFormat))
@pytest.mark.parametrize("path", PAGES)
async def test_a_person_takes_it_from_a_page(house: House, things: Furniture, path: str, ending: SheetFormat) -> None:
    zhao = await house.signed_in("zhao")
    where = address(path, things, ending)
    file = await zhao.get(f"{where}?state=&sort=&extra=1&extra=2")
    assert file.status_code == 200, file.text[:3000]
    [(name, kind, actor, details)] = await taken(house)
    assert (name, kind, actor) == (list_of(path), "person", str(house.person("zhao").id))
    assert (details["address"], details["format"]) == (where, ending.value)
    given = {"announcement_id": str(things.to_research)} if "{announcement_id}" in path else {}
    assert details["filters"] == given | {"extra": "1, 2"}
    if ending is SheetFormat.CSV:
        assert details["rows"] == len(csv_rows(file.content)) - 1


@pytest.mark.parametrize("path", REST)
async def test_a_program_takes_it(house: House, things: Furniture, path: str) -> None:
    async with transaction(house.services.sessions) as session:
        key, secret = await access.create_key(
            session,
            name="报表",
            scopes=["requests:read", "tasks:read", "announcements:read"],
            actor=SYSTEM,
            now=house.clock.now(),
        )
    async with client_of(house.app, secret) as client:
        file = await client.get(address(path, things, "csv"), params={"state": "pending"} if "requests" in path else {})
    assert file.status_code == 200, file.text
    [(name, kind, actor, details)] = await taken(house)
    assert (name, kind, actor) == (list_of(path), "api_key", str(key.id))
    assert details["rows"] == len(csv_rows(file.content)) - 1
    assert details["filters"].get("state") == ("pending" if "requests" in path else None)


async def test_who_may_not_take_it_leaves_no_row(house: House, things: Furniture) -> None:
    li = await house.signed_in("li")
    for path in PAGES:
        assert (await li.get(address(path, things, "csv"))).status_code in {403, 404}
    assert await taken(house) == []


def test_nobody_else_writes_such_a_file() -> None:
    """`app.spreadsheets.download.download` is called by `app.exports` alone."""
    callers = [path for path in Path("app").rglob("*.py") if "download" in _names_imported(path)]
    assert callers == [Path("app/exports/hand_out.py")]


def _names_imported(path: Path) -> set[str]:
    """From the writer of files, or from a module that hands it on."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names}
