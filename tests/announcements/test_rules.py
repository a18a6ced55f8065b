"""The pure part: the list for the author, the audience."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from app.announcements import messages, rules
from app.announcements.errors import ReceiptNotPossible
from app.announcements.messages import NotConfirmed
from app.announcements.rules import Audience
from app.policy.document import default_document
from models.announcements import Announcement
from models.ids import new_id
from tests.fakes.clock import MONDAY_9AM

SHANGHAI = ZoneInfo("Asia/Shanghai")


def an_announcement() -> Announcement:
    return Announcement(
        title="安全检查",
        body="周五",
        message_class="work",
        author_id=new_id(),
        deadline=MONDAY_9AM,
        policy_version_id=new_id(),
        rule_key="announcement.publish",
        correlation_id="test",
        actor="system:test",
        published_at=MONDAY_9AM,
        updated_at=MONDAY_9AM,
    )


class TestFinalList:
    """3.7: 发布人跟进至落实。"""

    def test_thirty_names_are_shown_and_the_number_of_all(self) -> None:
        others = NotConfirmed([f"员工{n}" for n in range(31)])
        text = "\n".join(messages.final_list(an_announcement(), confirmed=1, others=others))
        assert "32 人中 1 人已确认" in text
        assert "员工29 等 31 人" in text
        assert "员工30" not in text


class TestAudience:
    """F64."""

    def test_the_first_reason_stays(self) -> None:
        li, audience = new_id(), Audience()
        audience.add([li], "group:1")
        audience.add([li], "person")
        assert audience.sources == {li: "group:1"}

    def test_without_somebody_who_was_not_in_it(self) -> None:
        audience = Audience()
        audience.without(new_id())
        assert audience.sources == {}


class TestReceipt:
    """3.6: an announcement may ask for less than its class, not for more."""

    @pytest.mark.parametrize(
        ("message_class", "asked", "wanted"),
        [("work", None, True), ("work", True, True), ("work", False, False), ("sharing", None, False)],
    )
    def test_what_is_wanted(self, message_class: str, asked: bool | None, wanted: bool) -> None:
        rule = rules.class_rule(default_document(), message_class)
        assert rules.wants_receipt(rule, asked) is wanted

    def test_not_more_than_the_class(self) -> None:
        with pytest.raises(ReceiptNotPossible):
            rules.wants_receipt(rules.class_rule(default_document(), "leisure"), asked=True)


def test_a_moment_is_shown_in_local_time() -> None:
    assert messages.local(MONDAY_9AM, SHANGHAI) == "03-02 09:00"
    assert messages.local(None, SHANGHAI) == "无"
