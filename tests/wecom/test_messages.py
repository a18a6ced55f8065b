"""Text and cards inside the platform's limits (app/wecom/message_bodies)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wecom.message_bodies.card import Card, CardButton, card_as_text, cut, greyed
from app.wecom.message_bodies.encode import to_bytes
from app.wecom.message_bodies.split_text import TEXT_BYTES, counted_parts, said_again, split_text
from sandbox.api.cards import check_card

YES = CardButton("同意", "approval.approve:1", style=1)


class TestTextIsSplitAndNothingIsLost:
    """F72: byte-exact split; the platform cuts a text at 2,048 bytes without an error."""

    @given(st.text(), st.integers(min_value=4, max_value=60))
    def test_the_parts_join_to_the_text_and_none_is_too_long(self, text: str, limit: int) -> None:
        parts = split_text(text, limit)

        assert "".join(parts) == text
        assert all(0 < len(part.encode()) <= limit for part in parts)

    def test_exactly_the_limit_is_one_part(self) -> None:
        assert len(split_text("a" * 2048)) == 1
        assert [len(part) for part in split_text("a" * 2049)] == [2048, 1]

    def test_never_inside_a_character(self) -> None:
        assert [len(part.encode()) for part in split_text("中" * 700)] == [2046, 54]

    def test_line_ends_are_preferred(self) -> None:
        assert split_text("第一行\n第二行\n第三行", 24) == ["第一行\n第二行\n", "第三行"]

    @given(st.text(min_size=1, max_size=9000).filter(str.strip), st.integers(min_value=2, max_value=999))
    def test_parts_fit_and_differ_also_when_they_are_said_again(self, text: str, times: int) -> None:
        parts = counted_parts(text)

        assert all(len(said_again(part, times).encode()) <= TEXT_BYTES for part in parts)
        assert len(set(parts)) == len(parts)

    def test_words_that_fit_are_sent_as_they_are(self) -> None:
        """No machine words: what a person reads carries no number of ours."""
        assert counted_parts("请确认") == ["请确认"]
        assert [part[-6:] for part in counted_parts("中" * 1000)] == ["\n（1/2）", "\n（2/2）"]


class TestCardsKeepTheLimitsThemselves:
    """messaging §1.4: what is longer is cut silently by the platform, so it is cut by us with a visible …."""

    LONG = Card(
        "题" * 50,
        desc="述" * 60,
        source="源" * 30,
        fields=[(f"很长的名字{n}", "值" * 40) for n in range(9)],
        buttons=[CardButton("按钮文字非常非常非常长", f"a.b:{n}") for n in range(6)],
        sub_title="文" * 200,
        quote="引",
        url="https://example.com/1",
    )

    def test_every_field_is_within_its_limit(self) -> None:
        card = self.LONG.to_template_card("t1")

        assert len(card["main_title"]["title"]) == 36
        assert card["main_title"]["title"].endswith("…")
        assert len(card["main_title"]["desc"]) == 44
        assert len(card["source"]["desc"]) == 20
        assert len(card["sub_title_text"]) == 160
        assert {len(button["text"]) for button in card["button_list"]} == {10}
        rows = card["horizontal_content_list"]
        assert len(rows) == 6
        assert all(len(row["keyname"]) <= 5 and len(row["value"]) <= 30 for row in rows)

    def test_fields_that_have_no_room_are_counted(self) -> None:
        assert self.LONG.to_template_card("t1")["horizontal_content_list"][-1]["value"] == "另有 4 项"

    @pytest.mark.parametrize("card", [LONG, Card("题", buttons=[YES]), Card("题", url="https://example.com")])
    def test_the_sandbox_accepts_it(self, card: Card) -> None:
        check_card(card.to_template_card("task-1"))
        check_card(card.to_update(), for_update=True)

    def test_what_fits_is_left_alone(self) -> None:
        assert cut("六个字刚刚好", 6) == "六个字刚刚好"

    def test_a_key_too_long_is_our_mistake(self) -> None:
        with pytest.raises(ValueError, match="1024"):
            Card("题", buttons=[CardButton("好", "k" * 1025)]).to_template_card("t")

    def test_more_than_six_buttons_are_our_mistake(self) -> None:
        with pytest.raises(ValueError, match="6"):
            Card("题", buttons=[YES] * 7).to_template_card("t")


class TestAnUpdatedFace:
    """D7: the outcome takes the place of the buttons; an update carries no task_id."""

    def test_an_outcome_greys_the_card(self) -> None:
        update = Card("入群申请", outcome="已由李四同意").to_update()

        assert update["replace_text"] == "已由李四同意"
        assert "task_id" not in update
        assert update == greyed(Card("入群申请"), "已由李四同意")

    def test_a_card_with_buttons_stays_alive(self) -> None:
        update = Card("通知", desc="12/20 已确认", buttons=[YES]).to_update()

        assert "replace_text" not in update
        assert update["button_list"][0]["key"] == YES.key

    def test_as_text_it_names_the_outcome(self) -> None:
        update = Card("入群申请", fields=[("申请人", "张伟")], outcome="已同意").to_update()

        assert card_as_text(update) == "【已同意】入群申请\n申请人：张伟"


class TestBytes:
    def test_no_unicode_escapes(self) -> None:
        assert to_bytes({"a": "中文✅"}) == '{"a":"中文✅"}'.encode()
