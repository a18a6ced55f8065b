"""One installation for all: database, sandbox, serve and worker as processes, in a company where things happened."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from rich.console import Console

from app.demo import story
from app.demo.cast import choose_cast
from app.demo.stage import Json, Stage
from tests.fleet import Fleet, fleet, short_folder


@dataclass
class Installation:
    fleet: Fleet
    known: dict[str, str]
    """Path parameters, by name, that lead to something: a fuzzer does not guess a group's id."""

    @property
    def url(self) -> str:
        return self.fleet.addresses.service

    @property
    def key(self) -> str:
        return self.fleet.addresses.api_key


@pytest.fixture(scope="session")
async def installation() -> AsyncIterator[Installation]:
    folder = short_folder()
    async with fleet(folder, people=80) as ships:
        async with Stage(ships.addresses, Console(quiet=True)) as stage:
            known = await _make_things_happen(stage)
        yield Installation(ships, known)
    shutil.rmtree(folder, ignore_errors=True)


async def _make_things_happen(stage: Stage) -> dict[str, str]:
    await story.verify_addresses(stage)
    await story.sync_organisation(stage)
    cast = await choose_cast(stage)
    group = await story.apply_for_group(stage, cast)
    await story.greet(stage, group)
    announcement = await stage.post(
        "/announcements",
        {
            "title": "新品验收",
            "body": "请逐项确认。",
            "class": "work",
            "author": cast.applicant,
            "audience": {"groups": [group["id"]]},
        },
    )
    await stage.card_with(cast.team[0], f"announcement.confirm:{announcement['id']}")
    await story.assign_task(stage, cast, group)
    return {
        "group_id": group["id"],
        "announcement_id": announcement["id"],
        "userid": cast.team[0],
        "department_id": str(cast.department),
        "number": "1",
        **{name: await _newest(stage, path) for name, path in _LISTS.items()},
    }


_LISTS = {
    "request_id": "/requests",
    "task_id": "/tasks",
    "event_id": "/callbacks",
    "delivery_id": "/deliveries",
    "call_id": "/deliveries/calls",
    "run_id": "/sync-runs",
}


async def _newest(stage: Stage, path: str) -> str:
    newest: Json = (await stage.get(path))["items"][0]
    return str(newest["id"])
