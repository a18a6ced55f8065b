"""What cannot be taken back is shown before it is done: what will happen, and to whom (D21, style of pages)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from app.access import service as access
from app.access.service import Wanted
from app.audit.actor import SYSTEM
from app.database import transaction
from app.permissions import Reach
from models.access import AccessGrant
from models.audit import AuditEntry
from models.delivery import DeliveryState
from models.groups import GroupMember
from tests.pages.every_address import every_address, routes_of
from tests.pages.everything import READER, everything
from tests.pages.operations import deliveries_of, ended, message_to
from tests.pages.world import House

SHOWN = "不办理，返回"

SAID_ON_THEIR_PAGE = {
    "/me/confirmations/{confirmation_id}/{word}": "what two people do stands above the buttons",
    "/me/tasks/{task_id}/{word}": "tells of a difficulty; nothing ends",
    "/me/account/sessions/{session_id}/end": "one's own",
    "/me/requests/{request_id}/decide": "the request stands above the buttons, and the step is sent along",
    "/me/requests/{request_id}/object": "says why somebody is against it; nothing ends",
    "/console/deliveries/{delivery_id}/retry": "one message, its recipient named on the button",
    "/console/quota/unblock": "lets calls go on",
    "/console/calls/{call_id}/resolve/{resolution}": "one call; the page says what follows",
    "/console/calls/{call_id}/retry": "one call; the page says what follows",
    "/console/callbacks/{event_id}/replay": "one event; what has been done is not done again",
}
"""Acts with a red button that need no second look, and why."""
LOOKED_AT = ("/console/keys/{key_id}/end", "/console/tasks/{task_id}/cancel", "/me/tasks/{task_id}/cancel")
"""What will happen stands on the page with the button, and the form carries what was seen there."""
TYPED = {"person": "chen", "reason": "不再参与", "note": "", "step": "act"}


@dataclass(frozen=True)
class Act:
    """A red button on a page."""

    page: str
    action: str
    fields: dict[str, str]

    def unseen(self, route: str) -> dict[str, str]:
        """As from somebody who has seen another page, or none."""
        if route in LOOKED_AT:
            return {name: value for name, value in self.fields.items() if name != "seen"}
        return self.fields | ({"shown": "of another day"} if "shown" in self.fields else {})


def red_buttons(page: str, html: str) -> list[Act]:
    found = []
    for form, home, inside in re.findall(r'(<form[^>]*action="([^"]+)"[^>]*>)(.*?)</form>', html, re.DOTALL):
        del form
        named = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', inside)
        hidden = {name: unescape(value) for name, value in named}
        for button in re.findall(r'<button class="danger"[^>]*>', inside):
            said = dict(re.findall(r'(\w+)="([^"]*)"', button))
            value = {said["name"]: said["value"]} if "name" in said else {}
            found.append(Act(page, said.get("formaction", home), hidden | value))
    return found


def route_of(house: House, action: str) -> str:
    """The path of the route that takes this form."""
    found = [path for path in takers(house) if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), action)]
    return min(found, key=lambda path: path.count("{"))


def takers(house: House) -> list[str]:
    return [path for path, methods in routes_of(house.app.routes) if "POST" in methods]


class TestEveryRedButton:
    async def test_shows_what_will_happen_first(self, house: House) -> None:
        _, ids = await everything(house.services, house.company)
        browser = await house.signed_in(READER)
        await seat(house, UUID(ids["group_id"][0]), "li")
        acts: dict[str, Act] = {}
        for address in every_address(house.app, ids):
            page = await browser.get(address)
            for act in red_buttons(address, page.text):
                acts.setdefault(route_of(house, act.action), act)
        assert set(SAID_ON_THEIR_PAGE) <= set(takers(house))
        others = {route: act for route, act in acts.items() if route not in SAID_ON_THEIR_PAGE}
        assert len(others) >= 8
        assert set(LOOKED_AT) <= set(others)
        for route, act in others.items():
            before = await self._written(house)
            page = await browser.post(act.action, TYPED | act.unseen(route))
            told = "请先看过会怎样" if route in LOOKED_AT else SHOWN
            says_first = told in browser.text and page.status_code == (409 if route in LOOKED_AT else 200)
            assert says_first, f"{route} acts at once: {browser.text}"
            assert await self._written(house) == before, route

    async def _written(self, house: House) -> int:
        async with house.services.sessions() as session:
            return (await session.scalars(select(func.count()).select_from(AuditEntry))).one()


class TestTheLastAdministrator:
    async def test_stays(self, house: House) -> None:
        grant = await let(house, "zhao")
        zhao = await house.signed_in("zhao")
        await zhao.get("/console/access")
        page = await zhao.send(f"/console/access/{grant}/revoke")
        assert page.status_code == 409
        assert "赵总”是最后一位可以在全公司授权的人，不能收回。请先授予另一位" in zhao.text
        assert (await zhao.get("/console/access")).status_code == 200

    async def test_who_would_be_alone_reads_it_first(self, house: House) -> None:
        await let(house, "zhao")
        grant = await let(house, "chen")
        zhao = await house.signed_in("zhao")
        await zhao.get("/console/access")
        await zhao.send(f"/console/access/{grant}/revoke")
        assert "之后只有赵总一人可以在全公司授权" in zhao.text
        assert "不能再做" in zhao.text
        await zhao.send(f"/console/access/{grant}/revoke")
        assert "已收回" in zhao.text
        assert await living(house) == ["zhao"]


class TestRevoking:
    async def test_names_the_place_and_what_goes_less_far(self, house: House) -> None:
        """An auditor everywhere and in one department keeps the department."""
        await let(house, "zhao")
        everywhere, here = await let(house, "li", "auditor"), await let(house, "li", "auditor", "2")
        zhao = await house.signed_in("zhao")
        await zhao.get("/console/access")
        await zhao.send(f"/console/access/{everywhere}/revoke")
        assert "范围 全公司" in zhao.text
        assert "李军马上不能在这个范围内再做这些事。" in zhao.text
        await zhao.get("/console/access")
        await zhao.send(f"/console/access/{here}/revoke")
        assert "范围 研发部及其下级" in zhao.text
        assert "李军仍因其他身份或授权持有其中的全部权限。" in zhao.text


class TestWhatChangedMeanwhile:
    async def test_is_shown_again_and_nothing_is_done(self, house: House) -> None:
        await let(house, "zhao")
        await failed(house, "li")
        zhao = await house.signed_in("zhao")
        await zhao.get("/console/deliveries/retry")
        more = await failed(house, "wang", "sun")
        await zhao.send("/console/deliveries/retry")
        assert "情况在您看过之后有变化，请再看一次。还没有办理。" in zhao.text
        assert "重新发送这 3 项" in zhao.text
        assert {row.state for row in await deliveries_of(house.services, more)} == {DeliveryState.FAILED}
        await zhao.send("/console/deliveries/retry")
        assert "已安排重新发送 3 项" in zhao.text

    async def test_what_was_typed_is_sent_with_the_second_press(self, house: House) -> None:
        things, _ = await everything(house.services, house.company)
        browser, here = await house.signed_in(READER), f"/console/groups/{things.group}"
        await seat(house, things.group, "li")
        await browser.get(here)
        form = browser.hidden(f"{here}/members/add") | {"person": "chen", "reason": "“完成” & 归档 <b>", "step": "act"}
        await browser.post(f"{here}/members/remove", form)
        assert "把陈晨移出本群" in browser.text
        assert await is_wanted(house, things.group, house.person("chen").id)
        fields = {name: unescape(value) for name, value in browser.hidden(f"{here}/members/remove").items()}
        assert fields["reason"] == "“完成” & 归档 <b>"
        await browser.post(f"{here}/members/remove", fields)
        assert "已记录" in browser.text
        assert not await is_wanted(house, things.group, house.person("chen").id)

    async def test_what_cannot_be_done_is_refused_before_anybody_looks(self, house: House) -> None:
        things, _ = await everything(house.services, house.company)
        browser, here = await house.signed_in(READER), f"/console/groups/{things.group}"
        await browser.get(here)
        form = browser.hidden(f"{here}/members/add") | {"person": "li", "reason": "不在群里", "step": "act"}
        page = await browser.post(f"{here}/members/remove", form)
        assert page.status_code == 404
        assert "李军不在" in browser.text.replace(" ", "")
        assert SHOWN not in browser.text

    async def test_a_second_press_of_the_same_button_does_it_once(self, house: House) -> None:
        await let(house, "zhao")
        grant = await let(house, "chen", "auditor")
        zhao = await house.signed_in("zhao")
        await zhao.get("/console/access")
        await zhao.send(f"/console/access/{grant}/revoke")
        fields = zhao.hidden(f"/console/access/{grant}/revoke")
        await zhao.post(f"/console/access/{grant}/revoke", fields)
        page = await zhao.post(f"/console/access/{grant}/revoke", fields)
        assert page.status_code == 200
        assert "已收回" in zhao.text


async def let(house: House, userid: str, bundle: str = "administrator", department: str = "") -> UUID:
    reach = Reach.DEPARTMENT if department else Reach.COMPANY
    wanted = Wanted(house.person(userid), bundle, "值班", reach, department)
    async with transaction(house.services.sessions) as session:
        return (await access.grant(session, wanted, actor=SYSTEM, authority=None, now=house.clock.now())).id


async def living(house: House) -> list[str]:
    """Who was granted something and has it still."""
    names = {person.id: userid for userid, person in house.company.people.items()}
    async with house.services.sessions() as session:
        rows = await session.scalars(select(AccessGrant).where(col(AccessGrant.ended_at).is_(None)))
        return sorted(names[row.person_id] for row in rows)


async def failed(house: House, *userids: str) -> UUID:
    message = await message_to(house.services, house.company, list(userids))
    await ended(house.services, message, DeliveryState.FAILED, "refused:60011", 60011)
    return message


async def seat(house: House, group_id: UUID, userid: str) -> None:
    """A third member: a group keeps two."""
    now = house.clock.now()
    member = GroupMember(
        group_id=group_id,
        person_id=house.person(userid).id,
        desired=True,
        observed=True,
        desired_since=now,
        first_seen_at=now,
        reason="接替",
    )
    async with transaction(house.services.sessions) as session:
        session.add(member)


async def is_wanted(house: House, group_id: object, person_id: object) -> bool:
    statement = select(col(GroupMember.desired)).where(
        col(GroupMember.group_id) == group_id, col(GroupMember.person_id) == person_id
    )
    async with house.services.sessions() as session:
        return bool((await session.scalars(statement)).one_or_none())
