"""F118: whoever may read traces comes to them from every object, and finds one picture."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from app.access import service as access
from app.audit.actor import SYSTEM
from app.database import transaction
from app.groups import service as groups
from models.delivery import DeliveryState, OutgoingCall
from models.ids import GroupId
from tests.pages.every_address import Ids
from tests.pages.everything import READER, everything
from tests.pages.operations import ended, let, message_to
from tests.pages.world import Browser, House

KINDS = {
    "request_id": "/console/requests",
    "group_id": "/console/groups",
    "announcement_id": "/console/announcements",
    "task_id": "/console/tasks",
    "delivery_id": "/console/deliveries",
    "call_id": "/console/calls",
    "event_id": "/console/callbacks",
    "run_id": "/console/sync",
    "person_id": "/console/people",
    "key_id": "/console/keys",
}
MANY = text(
    "INSERT INTO deliveries SELECT (jsonb_populate_record(d, jsonb_build_object('id',"
    " nextval(pg_get_serial_sequence('deliveries', 'id')), 'part', n + 1"
    "))).* FROM deliveries d, generate_series(1, 999) n WHERE message_id = :message"
)
TRACE = re.compile(r'href="(/console/trace\?id=[^"]+)"')


@pytest.fixture(scope="module")
async def ids(shared_house: House) -> Ids:
    house = shared_house
    _, ids = await everything(house.services, house.company)
    await let(house.services, house.company, "han", "supervision")
    await house.signed_in("li")
    async with transaction(house.services.sessions) as session:
        now = house.clock.now()
        await groups.change_owner(
            session,
            group_id=GroupId(UUID(ids["group_id"][0])),
            owner=None,
            deputy=house.company.chen,
            reason="接替",
            actor=SYSTEM,
            now=now,
        )
        await access.end_for(session, UUID(ids["person_id"][0]), by=SYSTEM, now=now)
    return ids


@pytest.fixture(scope="module")
async def reader(shared_house: House, ids: Ids) -> Browser:
    return await shared_house.signed_in(READER)


class TestWays:
    @pytest.mark.parametrize("kind", KINDS)
    async def test_a_trace_is_one_step_from_its_object(self, ids: Ids, reader: Browser, kind: str) -> None:
        await _reaches_a_trace(reader, f"{KINDS[kind]}/{ids[kind][0]}")

    async def test_and_from_every_row_of_the_trail(self, ids: Ids, reader: Browser) -> None:
        assert ids
        await _reaches_a_trace(reader, "/console/audit")

    @pytest.mark.parametrize("kind", ["request_id", "group_id", "announcement_id", "task_id"])
    async def test_not_for_those_who_may_not_read_traces(self, shared_house: House, ids: Ids, kind: str) -> None:
        """监督小组 sees every object and the trail, and no calls."""
        browser = await shared_house.signed_in("han")
        page = await browser.get(f"{KINDS[kind]}/{ids[kind][0]}", follows=False)
        assert page.status_code == 200
        assert TRACE.findall(page.text) == []


async def _reaches_a_trace(reader: Browser, address: str) -> None:
    page = await reader.get(address, follows=False)
    assert page.status_code == 200, address
    links = TRACE.findall(page.text)
    assert links, address
    shown = await reader.get(links[0])
    assert 'class="picture"' in shown.text, links[0]


class TestPicture:
    async def test_a_thousand_recipients_are_a_number_with_the_list_behind_it(
        self, shared_house: House, ids: Ids, reader: Browser
    ) -> None:
        assert ids
        house = shared_house
        message = await message_to(house.services, house.company, ["li"])
        call = await ended(house.services, message, DeliveryState.FAILED, "refused:60011", 60011)
        async with transaction(house.services.sessions) as session:
            await session.execute(MANY, {"message": message})
            row = (await session.scalars(select(OutgoingCall).where(col(OutgoingCall.id) == call))).one()
        page = await reader.get(f"/console/trace?id={row.correlation_id}")
        assert "没有送达：1000 人" in page.text
        assert f'href="/console/deliveries?message={message}&amp;state=failed"' in page.text
        assert page.text.count("<li") < 60

    async def test_it_needs_no_style_of_its_own(self, ids: Ids, reader: Browser) -> None:
        page = await reader.get(f"/console/trace?id={ids['correlation_id'][0]}")
        assert "style=" not in page.text
