"""Policy 3.4 and 3.6: nothing rings in the rest period."""

from __future__ import annotations

from datetime import timedelta

from models.approvals import OutcomeState
from models.groups import GroupState
from tests.fakes.clock import MONDAY_9AM
from tests.groups.office import Office

TEN_TO_MIDNIGHT = MONDAY_9AM + timedelta(hours=14, minutes=50)
HALF_PAST_SEVEN = MONDAY_9AM + timedelta(hours=22, minutes=30)


class TestTheRestPeriod:
    """3.4: 休息时段（23:30–07:30）不发布信息。"""

    async def test_an_approval_at_ten_to_midnight_makes_the_group_which_stays_silent_until_the_period_ends(
        self, office: Office
    ) -> None:
        office.clock.set(TEN_TO_MIDNIGHT)
        asked = {"name": "研发部-新品项目", "type": "project", "purpose": "新品项目协作", "owner": "wang"}
        request = await office.granted("create_group", "li", members=["li", "han"], **asked)

        group = await office.group_of(request)
        assert (request.outcome, group.state) == (OutcomeState.DONE, GroupState.ACTIVE)
        assert (await office.sandbox.group(group.chatid))["messages"] == []

        office.clock.set(HALF_PAST_SEVEN)
        await office.work()
        (first,) = (await office.sandbox.group(group.chatid))["messages"]
        assert "本群已登记建立" in first["body"]["content"]

    async def test_who_is_admitted_at_night_is_in_at_once_and_welcomed_in_the_morning(self, office: Office) -> None:
        group = await office.project("li", "han")
        office.clock.set(TEN_TO_MIDNIGHT)

        await office.granted("join", "sun", group_id=str(group.id))

        assert "sun" in await office.roster(group)
        assert not [text for text in await texts_on_the_phone(office, "sun") if "入群通知" in text]
        office.clock.set(HALF_PAST_SEVEN)
        await office.work()
        assert [text for text in await texts_on_the_phone(office, "sun") if "入群通知" in text]


async def texts_on_the_phone(office: Office, userid: str) -> list[str]:
    """What has arrived."""
    return [message["text"] for message in await office.sandbox.app_messages(userid) if message.get("text")]
