"""What the approval engine refuses, by fact."""

from __future__ import annotations

from app.errors import Conflict, Forbidden, Invalid, NotFound


class RequestNotFound(NotFound):
    slug = "request-not-found"
    title = "找不到这份申请"


class UnknownKind(Invalid):
    slug = "unknown-request-kind"
    title = "没有这种申请"


class UnreadablePayload(Invalid):
    names_members = True
    slug = "unreadable-payload"
    title = "申请内容不完整或不正确"


class IncompleteApplication(Invalid):
    """The policy asks for more than the application says: the member `faults` names each."""

    slug = "incomplete-application"
    title = "申请没有写全"


class NoApprover(Invalid):
    """The policy's approver leads to nobody who may decide. The sentence says what to configure."""

    slug = "no-approver"
    title = "没有可以审批的人"


class DuplicateRequest(Conflict):
    slug = "duplicate-request"
    title = "已有一份相同的申请在审批中"


class AlreadyDecided(Conflict):
    """Somebody was faster, or the request was withdrawn."""

    slug = "already-decided"
    title = "这份申请已有结果"


class StepPassed(Conflict):
    """They looked at another step than the one that is open now."""

    slug = "step-passed"
    title = "已到另一步"


class NotToldYet(Conflict):
    """Whom it is about has not been reached yet, and could not have objected."""

    slug = "not-told-yet"
    title = "本人还没有收到告知"


class AlreadyObjected(Conflict):
    slug = "already-objected"
    title = "您已提出异议"


class NothingToRetry(Conflict):
    slug = "nothing-to-retry"
    title = "没有失败的执行可以重试"


class OwnRequest(Forbidden):
    slug = "own-request"
    title = "不能审批自己的申请"


class NotAnApprover(Forbidden):
    slug = "not-an-approver"
    title = "您不是当前步骤的审批人"


class NotForOthers(Forbidden):
    """The policy does not let them apply in that person's place."""

    slug = "not-for-others"
    title = "不能代他人申请"


class NotConcerned(Forbidden):
    slug = "not-concerned-by-request"
    title = "这份申请不涉及您"


class NotTheRequester(Forbidden):
    slug = "not-the-requester"
    title = "只有申请人可以撤回"
