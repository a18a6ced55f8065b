"""P8: no sentence to people claims what the service does not do. Every claim names the test that keeps it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.policy.document import default_document
from tests.architecture.source import ROOT

PROMISE = re.compile(
    "将[^近]|会(?![议话签员])|自动|随之|改由|暂由|接任|接手|已请|已转|收到告知|系统|恢复|不再|重试|小时内|稍后|之后|正在|移出|已记录"
    "|保留|保持|顺延|全文见|抄送|上报|提醒|催办|转其|免审|生效|继续"
)
SPEAKING = [
    *(
        Path("app") / domain / "messages.py"
        for domain in ("announcements", "approvals", "conversation", "findings", "groups", "tasks")
    ),
    Path("app/approvals/departures.py"),
    Path("app/approvals/answering/messages.py"),
    Path("app/groups/directory/messages.py"),
    Path("app/approvals/lost_groups.py"),
    Path("app/approvals/steps/approvers.py"),
    Path("app/approvals/steps/escalation.py"),
    Path("app/cards/text_instead.py"),
    Path("app/cards/update_cards.py"),
    Path("app/groups/succession/ask.py"),
    Path("app/groups/succession/requests.py"),
    Path("app/tasks/departures.py"),
    Path("callbacks/passive.py"),
]
"""What people read on cards and in texts comes from here, and from the policy's texts."""


REMINDERS = "tests/tasks/test_reminders.py::"
BACK = "tests/groups/test_came_back.py::"
APPLY = "tests/reconciliation/test_apply_snapshot.py::"
DECIDE = "tests/approvals/test_decide.py::"
OBJECTIONS = "tests/approvals/test_objections.py::"
FIRST_OWNER = "tests/groups/test_first_owner.py::"
LEAVERS = "tests/groups/test_departures.py::"
SUCCESSION = "tests/groups/test_succession.py::"
ROSTER = "tests/groups/test_roster.py::"

INSIDE = "tests/reconciliation/test_still_inside.py::test_they_are_told_as_what_they_are"

KEPT_BY = {
    # findings
    "应移出而未能移出": INSIDE,
    "{who} {detail}，应从“{group}”移出，但移出没有完成，目前仍在群内": INSIDE,
    "请由群管理员移出": INSIDE,
    # approvals
    "您的{}申请 #{} 正在审批": "tests/pages/test_group_page.py::test_the_answer_to_the_name_of_a_group_says_it_too",
    "，正在办理": DECIDE + "test_what_fails_at_once_is_not_called_under_way",
    "已转{}审批": "tests/approvals/test_submit.py::test_the_second_step_waits_for_the_first",
    "{}之上没有负责人，此步免审": "tests/approvals/test_nobody_above.py::test_nobody_passes_it_in_the_presidents_name",
    "{}，转其上级审批": (
        "tests/approvals/test_submit.py::test_the_only_administrator_applies_and_their_superior_decides"
    ),
    "{}，改由{}审批": ("tests/approvals/test_departures.py::test_whom_the_policy_names_now_gets_the_card_and_decides"),
    "{}：{}，改由{}审批": "tests/approvals/test_departures.py::test_the_applicant_is_told_and_it_stands_in_the_trail",
    "超过时限未审批，已请上级审批：{}": (
        "tests/approvals/test_deadlines.py::test_the_applicant_is_told_and_the_trail_cites_the_deadline"
    ),
    "{}，这份申请随之结束，不再需要审批": LEAVERS + "test_a_pending_application_ends_and_everybody_is_told",
    "原因消除后管理员可以重试，无需重新申请": (
        "tests/approvals/test_router.py::test_a_failed_outcome_shows_and_is_carried_out_again"
    ),
    "您刚才的点击没有生效：{}": DECIDE + "test_the_same_person_may_click_again_when_the_reason_is_gone",
    "正在征求{}的意愿": FIRST_OWNER + "test_whom_somebody_else_names_is_asked_and_becomes_it_by_accepting",
    "{} 尚未答复是否愿意{}，已再次提醒": FIRST_OWNER + "test_nobody_answers_in_their_place",
    "您可以继续等待，或者撤回后另选人员申请": FIRST_OWNER + "test_nobody_answers_in_their_place",
    "请在 {} 前答复，逾期不再等待": SUCCESSION + "test_who_is_silent_is_reminded_and_then_followed_by_the_next",
    "不再需要审批": LEAVERS + "test_an_application_nobody_has_decided_is_withdrawn",
    "不再需要答复": SUCCESSION + "test_a_dissolved_group_asks_nobody_any_more",
    "如有异议，请在卡片上点“我有异议”：这份申请随之结束": (
        OBJECTIONS + "test_a_press_ends_the_request_and_everybody_reads_why"
    ),
    "您的异议已转达申请人和审批人": OBJECTIONS + "test_the_approvers_who_were_asked_and_the_applicant_read_it",
    # announcements
    "…（全文见文字消息）": "tests/announcements/test_publish.py::test_a_long_one_goes_as_text_beside_the_card",
    "，晚送达的顺延": "tests/announcements/test_receipt_clock.py::test_who_was_reached_late_confirms_in_time",
    # groups
    "如需退群，请先申请退群，批准后由系统移出": ROSTER + "test_the_group_administrator_agrees_and_the_system_removes",
    "如需退群，可以申请退群，也可以自行退出，群管理员会收到告知": (
        APPLY + "test_where_leaving_is_told_the_administrator_hears_it_without_blame"
    ),
    "请在 24 小时内到群里作自我介绍，说明入群事由（制度{introduction}）": (
        ROSTER + "test_the_newcomer_is_told_purpose_rules_and_the_way_out"
    ),
    "【移出群】管理员决定将您移出{}，正在办理": ROSTER + "test_removal_for_cause_is_recorded_and_told",
    "【接任群主】{}的群主 {} {}，由您接任群主": (
        SUCCESSION + "test_who_accepts_takes_over_in_the_call_that_removes_the_owner"
    ),
    "企业微信中的变更正在办理": SUCCESSION + "test_who_accepts_takes_over_in_the_call_that_removes_the_owner",
    "接任{}的群主": SUCCESSION + "test_the_card_says_what_it_is_about_and_names_no_applicant",
    "一周之内读到的，会补入群内，并告知您": BACK + "test_they_come_in_as_founders_when_they_are_read_again",
    "【补入成员】{} 的资料已能读到，正在补入{}（建群时未能加入）": (
        BACK + "test_the_owner_hears_who_is_wanting_and_who_came_and_they_are_welcomed"
    ),
    "【重新加入】通讯录曾显示 {} 已离职，{}因此将其移出": BACK
    + "test_they_are_in_their_groups_again_and_the_owner_is_told",
    "管理员已确认账号属于同一人，{} 正在重新加入": BACK + "test_they_are_in_their_groups_again_and_the_owner_is_told",
    # findings
    "已记录": APPLY + "test_the_owner_is_told_once_with_the_clause",
    "不应在群内的，请由群管理员移出": APPLY + "test_the_finding_is_over_when_they_are_out_again",
    "“{group}”在企业微信中被改名为“{detail}”，将恢复为登记的名称": (
        APPLY + "test_a_renamed_group_gets_its_registered_name_back"
    ),
    "“{group}”在企业微信中已不存在（{detail}），登记保留为“已解散”": (
        APPLY + "test_a_dissolved_group_is_lost_and_told"
    ),
    "名册保持不变": APPLY + "test_a_roster_that_lost_nearly_everybody_is_held_and_a_person_asked",
    "无法移出成员": LEAVERS + "test_fewer_than_two_would_remain_so_a_person_is_asked",
    "{who} 应从“{group}”移出，但移出后不足平台要求的 2 人": (
        LEAVERS + "test_fewer_than_two_would_remain_so_a_person_is_asked"
    ),
    # tasks
    "{}将于 {} 到期，目前{}，进度 {}%": REMINDERS + "test_each_rung_reminds_the_owner_of_the_deadline",
    "困难已解决，任务继续进行": "tests/tasks/test_service.py::test_it_goes_on_when_the_difficulty_is_solved",
    "由{}接手": "tests/tasks/test_departures.py::test_everybody_concerned_reads_who_has_it_now_and_under_which_clause",
    "由您接手，请在卡片上接受": "tests/tasks/test_departures.py::test_the_leader_is_asked_to_accept_and_progress_stays",
}
"""Each claim, with {} for its values, and the test that fails when the service does not keep it."""


def sentences(source: str) -> Iterator[str]:
    """What a module says, sentence by sentence, with {} for every value; docstrings aside."""
    tree = ast.parse(source)
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    skipped |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield from _split("".join(str(part) for part in parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield from _split(node.value)


def _split(text: str) -> list[str]:
    return [said.strip() for said in re.split("[。；！\n]", text) if re.search("[\u4e00-\u9fff]", said)]


def texts_of_the_policy() -> Iterator[str]:
    document = default_document()
    texts = [document.groups.welcome, document.groups.first_message, document.announcements.chase_text]
    texts += [rule.charter for rule in document.groups.types.values()]
    for text in texts:
        yield from _split(text)


def claims() -> set[str]:
    said = {one for path in SPEAKING for one in sentences((ROOT / path).read_text(encoding="utf-8"))}
    return {one for one in said | set(texts_of_the_policy()) if PROMISE.search(one)}


def test_every_claim_has_a_test_that_keeps_it() -> None:
    assert claims() - set(KEPT_BY) == set(), "add the test that proves it, or say less"


def test_no_claim_is_kept_that_nobody_makes_any_more() -> None:
    assert set(KEPT_BY) - claims() == set()


@pytest.mark.parametrize("keeper", sorted(set(KEPT_BY.values())))
def test_the_test_that_keeps_a_claim_is_there(keeper: str) -> None:
    path, _, name = keeper.partition("::")
    assert re.search(rf"^ *(async )?def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_a_promise_is_seen() -> None:
    source = '"""说明：会自动处理。"""\nSAID = "请确认。到期将告知上级"\ndef f(x):\n    return f"{x}会自动重试；请查看"'
    assert {one for one in sentences(source) if PROMISE.search(one)} == {"{}会自动重试", "到期将告知上级"}
