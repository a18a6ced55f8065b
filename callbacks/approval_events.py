"""What approval events carry inside `ApprovalInfo` (callbacks §2.6, §2.7). Unwrapped repeated siblings are lists."""

from __future__ import annotations

from callbacks.elements import Element, many, number, one, tag

# ------------------------------------------------------------------ callbacks §2.6: the engine inside a self-built app


class EngineItem(Element):
    name: str = tag("ItemName")
    userid: str = tag("ItemUserid")
    """Spelled `ItemUserid` and `ItemUserId`, depending on the page."""
    department: str = tag("ItemParty")
    image: str = tag("ItemImage")
    status: int | None = number("ItemStatus")
    speech: str = tag("ItemSpeech")
    acted_at: int | None = number("ItemOpTime")
    """0 is "not yet"."""


class EngineNode(Element):
    status: int | None = number("NodeStatus")
    attribute: int | None = number("NodeAttr")
    """1 any one, 2 all."""
    type: int | None = number("NodeType")
    items: list[EngineItem] = many("Items/Item")


class EngineApproval(Element):
    third_no: str = tag("ThirdNo")
    """Our own document number."""
    template_name: str = tag("OpenSpName")
    template_id: str = tag("OpenTemplateId")
    status: int | None = number("OpenSpStatus")
    applied_at: int | None = number("ApplyTime")
    applicant_name: str = tag("ApplyUserName")
    applicant_userid: str = tag("ApplyUserId")
    applicant_department: str = tag("ApplyUserParty")
    applicant_image: str = tag("ApplyUserImage")
    nodes: list[EngineNode] = many("ApprovalNodes/ApprovalNode")
    notified: list[EngineItem] = many("NotifyNodes/NotifyNode")
    step: int | None = number("ApproverStep")


# ------------------------------------------------------------------ callbacks §2.7: the built-in 审批 app


class RecordDetail(Element):
    approver_userid: str = tag("Approver/UserId")
    speech: str = tag("Speech")
    status: int | None = number("SpStatus")
    acted_at: int | None = number("SpTime")
    attachments: list[str] = many("Attach")


class Record(Element):
    status: int | None = number("SpStatus")
    attribute: int | None = number("ApproverAttr")
    """1 any one, 2 all: the opposite of `ProcessNode.relation` (callbacks trap 34)."""
    details: list[RecordDetail] = many("Details")


class SubNode(Element):
    userid: str = tag("UserInfo/UserId")
    speech: str = tag("Speech")
    status: int | None = number("SpYj")
    acted_at: int | None = number("Sptime")
    media_ids: list[str] = many("MediaIds")


class ProcessNode(Element):
    type: int | None = number("NodeType")
    status: int | None = number("SpStatus")
    relation: int | None = number("ApvRel")
    """1 all, 2 any one, 3 in sequence."""
    parts: list[SubNode] = many("SubNodeList")


class ApprovalComment(Element):
    userid: str = tag("CommentUserInfo/UserId")
    commented_at: int | None = number("CommentTime")
    content: str = tag("CommentContent")
    id: str = tag("CommentId")
    attachments: list[str] = many("Attach")


class Applicant(Element):
    userid: str = tag("UserId")
    department_id: str = tag("Party")


class SystemApproval(Element):
    sp_no: str = tag("SpNoStr", "SpNo")
    """As text; `SpNo` is the old numeric form, and missing for some forms (callbacks trap 38)."""
    name: str = tag("SpName")
    status: int | None = number("SpStatus")
    """The state after the change; `change` names the action."""
    template_id: str = tag("TemplateId")
    applied_at: int | None = number("ApplyTime")
    applicant: Applicant | None = one("Applyer")
    records: list[Record] = many("SpRecord")
    notified_userids: list[str] = many("Notifyer/UserId")
    process: list[ProcessNode] = many("ProcessList/NodeList")
    comments: list[ApprovalComment] = many("Comments")
    change: int | None = number("StatuChangeEvent")
