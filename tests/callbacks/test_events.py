"""Every event of the catalogue is typed, and every type has its recorded payloads (callbacks §2)."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from callbacks.envelope import parse, read_header
from callbacks.events import (
    MODELS,
    BatchJobFinished,
    CardClicked,
    CustomerGroupChanged,
    DepartmentDeleted,
    EngineApprovalChanged,
    PicturesChosen,
    SystemApprovalChanged,
    TagChanged,
    TextMessage,
    UserChanged,
    read_body,
)
from tests.builders.callbacks import PAYLOADS, odd, payload, plain_event

NAMES = sorted(path.stem for path in PAYLOADS.glob("*.xml"))


def event_type_of(name: str) -> str:
    return read_header(parse(payload(name))).event_type


def read(name: str, model: type[Any]) -> Any:
    event = read_body(payload(name))
    assert type(event) is model
    return event


class TestTheRecordedPayloads:
    def test_every_type_of_the_catalogue_has_one(self) -> None:
        assert {event_type_of(name) for name in NAMES} == set(MODELS)

    @pytest.mark.parametrize("name", NAMES)
    def test_each_is_named_after_its_type_and_read_as_it(self, name: str) -> None:
        event_type = event_type_of(name)

        assert name == event_type.replace(".", "__") or name.startswith(event_type.replace(".", "__") + "__")
        event = read_body(payload(name))
        assert event is not None
        assert event.kind == event_type
        assert event.receiver == "wwsim0000000000001"

    @pytest.mark.parametrize("name", NAMES)
    def test_unknown_elements_and_another_case_change_nothing(self, name: str) -> None:
        plain = payload(name).decode()
        odd = plain.replace("<xml>", "<xml><Novelty><Deep>1</Deep></Novelty>").replace("AgentID>", "agentid>")

        assert read_body(odd.encode()) == read_body(plain.encode())


class TestOddContent:
    """What nobody needs stops no event; what an event is about must be there."""

    def test_a_field_of_the_wrong_type_counts_as_not_said(self) -> None:
        event = read_body(odd("unused-field-is-no-number"))

        assert isinstance(event, UserChanged)
        assert (event.userid, event.gender, event.leader_flags) == ("u00006", None, None)

    def test_a_field_of_the_wrong_type_inside_a_part_does_too(self) -> None:
        body = payload("sys_approval_change").replace(b"<StatuChangeEvent>2<", b"<StatuChangeEvent>one<")
        event = read_body(body)

        assert isinstance(event, SystemApprovalChanged)
        assert event.approval.change is None
        assert event.approval.sp_no == "202311140007"

    def test_values_are_read_without_the_white_space_around_them(self) -> None:
        event = read_body(odd("white-space-around-values"))

        assert isinstance(event, UserChanged)
        assert (event.receiver, event.sender, event.userid, event.departments) == ("CORP", "sys", "u00002", (4,))

    def test_a_text_is_read_whole_whatever_is_typed(self) -> None:
        event = read_body(odd("cdata-end-in-a-text"))

        assert isinstance(event, TextMessage)
        assert event.content == "<a><![CDATA[x]]></a> if (p[q[0]]>1)"
        assert (event.sender, event.agent_id) == ("u00001", "1000002")


class TestPeople:
    """callbacks §2.4: two profiles; what was not sent is not known."""

    def test_a_message_id_keeps_its_64_bits(self) -> None:
        assert read("message__text", TextMessage).message_id == "7301234567890123451"

    def test_the_newer_profile_says_ids_only(self) -> None:
        event = read("change_contact__update_user", UserChanged)

        assert (event.userid, event.departments) == ("u001", (3, 9))
        assert (event.name, event.status, event.leader_flags) == (None, None, None)

    def test_the_older_profile_says_everything(self) -> None:
        event = read("change_contact__update_user__legacy_full", UserChanged)

        assert (event.new_userid, event.leader_flags, event.direct_leaders) == ("LiSi", (1, 0), ("u002", "u003"))
        assert [(each.name, each.value or each.url) for each in event.extra] == [
            ("爱好", "旅游"),
            ("主页", "https://h.example.test"),
        ]

    def test_an_empty_tag_list_is_not_silence(self) -> None:
        event = read("change_contact__update_tag", TagChanged)

        assert (event.added_userids, event.removed_userids, event.removed_departments) == (("u001", "u002"), (), (9,))

    def test_an_event_without_its_object_is_not_an_event(self) -> None:
        more = "<ChangeType>delete_party</ChangeType>"
        with pytest.raises(ValidationError):
            read_body(plain_event("change_contact", more=more))
        assert read_body(plain_event("change_contact", more=f"{more}<Id>9</Id>")) is not None
        assert isinstance(read_body(payload("change_contact__delete_party")), DepartmentDeleted)


class TestCards:
    """callbacks §2.3: both spellings of OptionIds."""

    @pytest.mark.parametrize("name", ["template_card_event__vote", "template_card_event__early_spelling"])
    def test_both_spellings_mean_the_same(self, name: str) -> None:
        assert read(name, CardClicked).selections[0].option_ids == ["opt_a", "opt_b"]

    def test_every_question_of_a_form_is_there(self) -> None:
        selections = read("template_card_event__multiple", CardClicked).selections

        assert [(each.question_key, each.option_ids) for each in selections] == [("q1", ["opt_a"]), ("q2", ["opt_c"])]

    def test_a_plain_button_has_no_selections(self) -> None:
        event = read("template_card_event__button", CardClicked)

        assert (event.selections, event.task_id, event.response_code) == ([], "task-2024-77", "RC-abc")


class TestApprovals:
    """callbacks §2.6, §2.7: repeated siblings without a wrapper, AgentID 3010040 that refuses nothing."""

    def test_the_system_app_number_is_only_read(self) -> None:
        assert read("sys_approval_change", SystemApprovalChanged).agent_id == "3010040"

    def test_every_repeated_sibling_is_kept(self) -> None:
        approval = read("sys_approval_change", SystemApprovalChanged).approval

        assert [[detail.approver_userid for detail in record.details] for record in approval.records] == [
            ["u009", "u010"],
            ["u011"],
        ]
        assert approval.records[0].details[0].attachments == ["MEDIA_A", "MEDIA_B"]
        assert approval.notified_userids == ["u020", "u021"]
        assert [[part.userid for part in node.parts] for node in approval.process] == [["u009", "u010"], ["u020"]]
        assert [comment.id for comment in approval.comments] == ["C1", "C2"]

    @pytest.mark.parametrize("name", ["", "__number_only", "__school_form"])
    def test_the_number_is_text_whichever_form_was_sent(self, name: str) -> None:
        assert read(f"sys_approval_change{name}", SystemApprovalChanged).approval.sp_no == "202311140007"

    @pytest.mark.parametrize("name", ["", "__other_spelling"])
    def test_the_engine_is_read_in_both_spellings(self, name: str) -> None:
        approval = read(f"open_approval_change{name}", EngineApprovalChanged).approval

        assert [[item.userid for item in node.items] for node in approval.nodes] == [["u002", "u003"], ["u004"]]
        assert (approval.third_no, approval.step, approval.notified[0].userid) == ("2024-000077", 1, "u005")


class TestTheOthers:
    def test_pictures_in_one_list_or_in_a_list_per_picture(self) -> None:
        """Trap 37: real traffic repeats PicList per photo."""
        assert len(read("pic_weixin", PicturesChosen).digests) == 1
        assert len(read("pic_weixin__list_repeated", PicturesChosen).digests) == 2

    def test_both_names_of_the_tag_export(self) -> None:
        names = [
            read(f"batch_job_result__{name}", BatchJobFinished).job_type for name in ("export_tag", "export_taguser")
        ]
        assert names == ["export_tag", "export_taguser"]

    def test_a_customer_group_says_who_changed(self) -> None:
        event = read("change_external_chat__update__add_member", CustomerGroupChanged)

        assert (event.detail, event.changed_members) == ("add_member", ["wmExternal09", "u004"])

    def test_a_type_outside_the_catalogue_is_none(self) -> None:
        assert read_body(plain_event("brand_new")) is None
