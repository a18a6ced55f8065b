"""What people read about requests: the card of an approver, the same card after the decision, news as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.approvals.kinds import ShownFields
from app.policy.sections.people import Expression, ExpressionKind
from app.policy.service import Citation
from app.quotes import quoted
from app.wecom.message_bodies.card import Card, CardButton, cut
from app.wecom.message_bodies.markup import with_link
from models.approvals import OutcomeState, Request, RequestState, RequestStep, StepState, Verdict

VERDICTS = {Verdict.APPROVE: "同意", Verdict.REJECT: "驳回"}
ANSWERS = {Verdict.APPROVE: "愿意", Verdict.REJECT: "不愿"}
RESULTS = {
    RequestState.PENDING: "审批中",
    RequestState.APPROVED: "已同意",
    RequestState.REJECTED: "已驳回",
    RequestState.WITHDRAWN: "已撤回",
}
ANSWERED = {
    RequestState.PENDING: "征求意愿中",
    RequestState.APPROVED: "已有人接受",
    RequestState.REJECTED: "无人接受",
    RequestState.WITHDRAWN: "已结束",
}
"""The same, where nobody has applied and people are asked."""
STEP_RESULTS = {StepState.APPROVED: "已同意", StepState.REJECTED: "已驳回"}
COMMENT_ON_CARD = 40
"""Three verdicts with comments fit into what a card can say; the applicant reads each in full."""


@dataclass(frozen=True)
class Told:
    """What every card of a request says: the request, its applicant's name, the clause it rests on."""

    request: Request
    requester: str
    """Empty where nobody has applied: people are asked whether they take something on."""
    citation: Citation
    objections: Sequence[str] = ()
    """Of people whom it is about, a sentence each."""
    link: str | None = None
    """To its page, where there is a public address."""

    @property
    def fields(self) -> list[tuple[str, str]]:
        applicant = [("申请人", self.requester)] if self.requester else []
        return [("编号", f"#{self.request.number}"), *applicant, *self.rows]

    @property
    def named(self) -> str:
        return f"申请 #{self.request.number}" if self.requester else f"征求意愿 #{self.request.number}"

    @property
    def result(self) -> str:
        return (RESULTS if self.requester else ANSWERED)[self.request.state]

    @property
    def no_more(self) -> str:
        return "不再需要审批" if self.requester else "不再需要答复"

    @property
    def rows(self) -> list[tuple[str, str]]:
        """What the kind says of it, fixed on submission."""
        return ShownFields.model_validate(self.request.shown).fields

    @property
    def clause(self) -> str:
        return self.citation.sentence


@dataclass(frozen=True)
class Given:
    """A verdict as people see it: who, what, when on their own clock. Or a step that went on without one, and why."""

    name: str
    """Of the person; of the step, where nobody has decided it."""
    verdict: Verdict | None
    at: datetime
    comment: str = ""
    step_id: UUID | None = None
    what: str = ""
    """Of an answer to an offer: what it is about."""

    def __str__(self) -> str:
        return self._said(self.comment)

    @property
    def in_short(self) -> str:
        """For cards: a long comment must not push out the other verdicts."""
        return self._said(cut(self.comment, COMMENT_ON_CARD))

    def _said(self, comment: str) -> str:
        said = f"{self.name} {self.at:%m-%d %H:%M} {self._verdict}" if self.verdict else self.name
        return f"{said}：{comment}" if comment else said

    @property
    def _verdict(self) -> str:
        if self.verdict is None:
            return ""
        return f"{ANSWERS[self.verdict]}{self.what}" if self.what else VERDICTS[self.verdict]


OFFERED = "须本人愿意"
"""Why somebody is asked whether they take something on."""


def meant_as(approver: Expression, *, person: str, department: str, role: str) -> str:
    """In what somebody decides a step, where the policy names them: 王芳 的部门负责人."""
    words = {
        ExpressionKind.DEPARTMENT_HEAD: f"{department or person} 的部门负责人",
        ExpressionKind.DIRECT_LEADER: f"{person} 的直接上级",
        ExpressionKind.GROUP_ADMINISTRATOR: "群主或副群主",
        ExpressionKind.GROUP_OWNER: "群主",
        ExpressionKind.ROLE: f"制度中的角色{quoted(role or approver.name)}",
        ExpressionKind.TAG: f"通讯录标签{quoted(approver.name)}",
        ExpressionKind.POST: f"职务{quoted(approver.name)}",
        ExpressionKind.USERID: "制度指定的人",
    }
    return words[approver.kind]


def of_applicant(approver: Expression) -> str:
    """The same to the applicant themselves. Empty where they are not named."""
    words = {ExpressionKind.DEPARTMENT_HEAD: "您的部门负责人", ExpressionKind.DIRECT_LEADER: "您的直接上级"}
    return words.get(approver.kind, "")


def headed_by_applicant(department: str) -> str:
    return f"您是{department}负责人，您的申请由其他负责人审批"


def approval_card(told: Told, step: RequestStep, *, steps: int, notice: str = "") -> Card:
    """The card with 同意 and 驳回. `notice` comes first: why an earlier click had no effect."""
    reason = f"理由：{told.request.reason}" if told.request.reason else ""
    # The reason comes last because it may be long. A text beside the card then has it in full.
    return Card(
        title=told.request.title,
        desc=f"第 {step.position}/{steps} 步 · {step.name}",
        fields=told.fields,
        sub_title="\n".join(line for line in (notice, *told.objections, step.note or "", reason) if line),
        quote=told.clause,
        url=told.link,
        buttons=[
            CardButton("同意", f"approval.approve:{step.id}", style=1),
            CardButton("驳回", f"approval.reject:{step.id}", style=2),
        ],
    )


def offer_card(told: Told, step: RequestStep, *, notice: str = "") -> Card:
    """The card that asks somebody whether they take something on. The keys are those of any step."""
    reason = f"理由：{told.request.reason}" if told.request.reason else ""
    return Card(
        title=told.request.title,
        desc=f"您是否愿意{step.name}？",
        fields=told.fields,
        sub_title="\n".join(line for line in (notice, step.note or "", reason) if line),
        quote=told.clause,
        url=told.link,
        buttons=[
            CardButton("愿意", f"approval.approve:{step.id}", style=1),
            CardButton("不愿意", f"approval.reject:{step.id}", style=2),
        ],
    )


def handed_in_again(former: Request, renewed: Request) -> str:
    return (
        f"【申请已重新提交】通讯录曾显示您已离职，您的申请 #{former.number}{quoted(former.title)}因此撤回。"
        f"管理员已确认您在职，现按原内容重新提交为 #{renewed.number}，由审批人重新审批。"
    )


def not_handed_in_again(former: Request, refusal: str) -> str:
    return (
        f"【申请未能重新提交】通讯录曾显示您已离职，您的申请 #{former.number}{quoted(former.title)}因此撤回。"
        f"现在不能按原内容重新提交：{refusal}。如仍需要，请重新申请。"
    )


def in_full(told: Told, step: RequestStep, *, is_offer: bool) -> str:
    """The text beside a card that cannot hold everything: nobody decides on half of an application."""
    objections = [("异议", one) for one in told.objections]
    said = [("申请人", told.requester), *told.rows, *objections, ("理由", told.request.reason)]
    lines = "\n".join(f"{key}：{value}" for key, value in said if value)
    waits = f"请在卡片上答复您是否愿意{step.name}。" if is_offer else f"等待您（{step.name}）在卡片上审批。"
    return with_link(f"{_heading(told)}\n{lines}\n{waits}", told.link)


def outcome_card(told: Told, step: RequestStep, given: Sequence[Given], *, next_step: str | None = None) -> Card:
    """The same card without buttons: who decided, when, and where the request stands."""
    standing = next_step or told.result
    lines = [one.in_short for one in given]
    if told.request.state is RequestState.WITHDRAWN and told.request.outcome_detail:
        lines.append(f"{told.request.outcome_detail}，{told.no_more}")
    lines = lines or [f"{told.result}，{told.no_more}"]
    return Card(
        title=told.request.title,
        desc=f"{step.name} · {standing}",
        fields=told.fields,
        sub_title="\n".join(lines),
        quote=told.clause,
        url=told.link,
        outcome=_outcome(told, step, given),
    )


def _outcome(told: Told, step: RequestStep, given: Sequence[Given]) -> str:
    if any(one.step_id == step.id and one.what for one in given):
        return "已答复"
    return STEP_RESULTS.get(step.state, told.result)


def own_verdict_card(told: Told, step: RequestStep, given: Sequence[Given]) -> Card:
    """The card of somebody who has decided, while the step still needs others."""
    agreed = sum(one.verdict is Verdict.APPROVE and one.step_id == step.id for one in given)
    return Card(
        title=told.request.title,
        desc=f"{step.name} · 已有 {agreed} 人同意，需 {step.needed} 人",
        fields=told.fields,
        sub_title="\n".join(one.in_short for one in given),
        quote=told.clause,
        url=told.link,
        outcome="您已审批",
    )


def _heading(told: Told) -> str:
    return f"【{told.named}】{told.request.title}"


def answer_by(due: datetime) -> str:
    """On an offer that goes to the next one when it is not answered."""
    return f"请在 {due:%m-%d %H:%M} 前答复，逾期不再等待。"


def no_answer(names: Sequence[str]) -> str:
    return f"{'、'.join(names)} 逾期未答复"


def _answer(step: RequestStep, people: Sequence[str]) -> str:
    return f"请 {'、'.join(people)} 答复是否愿意{step.name}"


def passed_on(step: RequestStep, *, is_offer: bool) -> str:
    """On the card of the step before."""
    return f"正在征求{step.name}的意愿" if is_offer else f"已转{step.name}审批"


def submitted(
    told: Told, step: RequestStep, given: Sequence[Given], approvers: Sequence[str], *, is_offer: bool
) -> str:
    waits = _answer(step, approvers) if is_offer else f"等待{step.name}审批：{'、'.join(approvers)}"
    return "\n".join([_heading(told), *map(str, given), f"已提交，{waits}。", told.clause])


OBJECTION_ENDS = "如有异议，请在卡片上点“我有异议”：这份申请随之结束。"
OBJECTION_IS_READ = "如有异议，请在卡片上点“我有异议”，转达申请人和审批人。"


def concerned_card(told: Told, *, ends: bool) -> Card:
    """For whom it is about, when somebody else has applied (policy 2.5)."""
    reason = f"理由：{told.request.reason}" if told.request.reason else ""
    way = OBJECTION_ENDS if ends else OBJECTION_IS_READ
    return Card(
        title=told.request.title,
        desc=_in_your_place(told),
        fields=told.fields,
        sub_title="\n".join(line for line in (way, reason) if line),
        quote=told.clause,
        url=told.link,
        buttons=[CardButton("我有异议", f"approval.object:{told.request.id}", style=2)],
    )


def concerned(told: Told, *, ends: bool | None = None) -> str:
    """The same as a text. `ends` None: nobody decides it, so an objection would have no effect."""
    way = {True: OBJECTION_ENDS, False: OBJECTION_IS_READ, None: ""}[ends]
    reason = f"理由：{told.request.reason}" if told.request.reason else ""
    said = [_heading(told), f"{_in_your_place(told)}。{way}", reason, told.clause]
    return with_link("\n".join(line for line in said if line), told.link)


def _in_your_place(told: Told) -> str:
    return f"{told.requester} 替您提交了这份申请"


ENDS_A_SENTENCE = "。．.，,、；;：:！!？?…~～ \t\n"


def objected_because(name: str, reason: str) -> str:
    """Without a mark at its end: it stands within sentences."""
    said = reason.strip().rstrip(ENDS_A_SENTENCE)
    return f"{name} 提出异议：{said}" if said else f"{name} 提出异议"


def objected(told: Told, name: str, reason: str) -> str:
    """To whoever decides and to the applicant, where the objection does not end the request."""
    return f"{_heading(told)}\n{objected_because(name, reason)}。申请仍在审批，请审批人一并考虑。\n{told.clause}"


def has_objected_card(told: Told) -> Card:
    """The card of who has objected, while the request is open."""
    return Card(
        title=told.request.title,
        desc="您的异议已转达申请人和审批人",
        fields=told.fields,
        sub_title="\n".join(told.objections),
        quote=told.clause,
        url=told.link,
        outcome="已提出异议",
    )


def concerned_outcome_card(told: Told, given: Sequence[Given]) -> Card:
    """The card of whom it is about, once there is a result: nothing is left to object to."""
    lines = [*told.objections, *(one.in_short for one in given)]
    return Card(
        title=told.request.title,
        desc=_in_your_place(told),
        fields=told.fields,
        sub_title="\n".join(lines),
        quote=told.clause,
        url=told.link,
        outcome=told.result,
    )


def ended(told: Told, because: str) -> str:
    return f"{_heading(told)}\n{because}，这份申请随之结束，不再需要审批。\n{told.clause}"


def moved_on(told: Told, step: RequestStep, given: Sequence[Given], approvers: Sequence[str], *, is_offer: bool) -> str:
    said = "\n".join(str(one) for one in given)
    following = _answer(step, approvers) if is_offer else f"{step.name}（{'、'.join(approvers)}）"
    return f"{_heading(told)}\n{said}\n下一步：{following}。"


def approved(told: Told, given: Sequence[Given]) -> str:
    said = "\n".join(str(one) for one in given)
    under_way = "，正在办理" if told.request.outcome is OutcomeState.PENDING else ""
    return f"{_heading(told)}\n{said or '按制度无需审批'}\n已同意{under_way}。\n{told.clause}"


def rejected(told: Told, given: Sequence[Given]) -> str:
    said = "\n".join(str(one) for one in given)
    what = next((one.what for one in given if one.what and one.verdict is Verdict.REJECT), "")
    result = f"没有人愿意{what}，申请已驳回。您可以另选人员后重新申请。" if what else "已驳回。"
    return f"{_heading(told)}\n{said}\n{result}\n{told.clause}"


def done(request: Request) -> str:
    return f"【申请 #{request.number}】{request.title}\n已办理完成。"


def failed(request: Request) -> str:
    why = f"已同意，但没有办成：{request.outcome_detail or '原因未知'}"
    return f"【申请 #{request.number}】{request.title}\n{why}\n原因消除后管理员可以重试，无需重新申请。"


def offer_reminder(told: Told, step: RequestStep) -> str:
    return f"{_heading(told)}\n还在等待您答复是否愿意{step.name}，请在收到的卡片上点“愿意”或“不愿意”。"


def offer_overdue(told: Told, step: RequestStep, names: Sequence[str]) -> str:
    """Nobody answers in their place: the applicant decides how it goes on."""
    who = "、".join(names)
    return f"{_heading(told)}\n{who} 尚未答复是否愿意{step.name}，已再次提醒。您可以继续等待，或者撤回后另选人员申请。"


def reminder(told: Told, step: RequestStep) -> str:
    return f"{_heading(told)}\n{told.requester} 的申请还在等待您（{step.name}）审批，请在收到的卡片上点“同意”或“驳回”。"


def reminder_in_short(told: Told, step: RequestStep) -> str:
    return f"{_named(told)}还在等待您（{step.name}）审批，请在卡片上点“同意”或“驳回”。"


def offer_in_short(told: Told, step: RequestStep) -> str:
    return f"{_named(told)}还在等待您答复是否愿意{step.name}。"


def escalated(told: Told, step: RequestStep) -> str:
    """The note of the step says who has been asked."""
    return f"{_heading(told)}\n{step.name}{step.note}。"


def escalated_in_short(told: Told, step: RequestStep) -> str:
    return f"{_named(told)}：{step.name}{step.note}。"


def _named(told: Told) -> str:
    who = f"{told.requester}，" if told.requester else ""
    return f"{told.named}（{who}{told.request.title}）"


def reassigned(told: Told, step: RequestStep, because: str, approvers: Sequence[str]) -> str:
    return f"{_heading(told)}\n{step.name}：{because}，改由{'、'.join(approvers)}审批。"


def unstaffed(told: Told, step: RequestStep, because: str) -> str:
    return f"{_heading(told)}\n{step.name}：{because}，没有可以接替的审批人。请联系管理员，或撤回申请。"


def click_refused(told: Told, why: str) -> str:
    return f"{_heading(told)}\n您刚才的点击没有生效：{why}"
