"""One model per event type of callbacks §2; together a union tagged by `kind`.

Names of fields are ours, names of elements the platform's, misspellings included. AgentID is read and never decides:
approval events carry the system app's number (3010040).
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args
from xml.etree.ElementTree import Element as XmlElement

from pydantic import Field

from callbacks.approval_events import EngineApproval, SystemApproval
from callbacks.elements import CommaNumbers, CommaTexts, Element, commas, many, number, one, required, tag
from callbacks.envelope import read_header
from callbacks.plaintext import read_elements


class Event(Element):
    """The common header of every plaintext."""

    receiver: str = tag("ToUserName")
    sender: str = tag("FromUserName")
    created: int | None = number("CreateTime")
    agent_id: str = tag("AgentID")


# ------------------------------------------------------------------ callbacks §2.1: messages of people


class UserMessage(Event):
    message_id: str = tag("MsgId")
    """A 64-bit number, kept as text (callbacks trap 41)."""


class TextMessage(UserMessage):
    kind: Literal["message.text"]
    content: str = tag("Content")


class ImageMessage(UserMessage):
    kind: Literal["message.image"]
    picture_url: str = tag("PicUrl")
    media_id: str = tag("MediaId")


class VoiceMessage(UserMessage):
    kind: Literal["message.voice"]
    media_id: str = tag("MediaId")
    format: str = tag("Format")


class VideoMessage(UserMessage):
    kind: Literal["message.video"]
    media_id: str = tag("MediaId")
    thumb_media_id: str = tag("ThumbMediaId")


class LocationMessage(UserMessage):
    kind: Literal["message.location"]
    latitude: float | None = number("Location_X")
    longitude: float | None = number("Location_Y")
    scale: int | None = number("Scale")
    label: str = tag("Label")
    app_type: str = tag("AppType")


class LinkMessage(UserMessage):
    kind: Literal["message.link"]
    title: str = tag("Title")
    description: str = tag("Description")
    url: str = tag("Url")
    picture_url: str = tag("PicUrl")


# ------------------------------------------------------------------ callbacks §2.2: plain app events


class KeyEvent(Event):
    key: str = tag("EventKey")


class RangeChanged(KeyEvent):
    """A member entered or left the app's visible range, or the corp."""

    kind: Literal["subscribe", "unsubscribe"]


class AppEntered(KeyEvent):
    kind: Literal["enter_agent"]


class LocationReported(Event):
    kind: Literal["location"]
    latitude: float | None = number("Latitude")
    longitude: float | None = number("Longitude")
    precision: float | None = number("Precision")
    app_type: str = tag("AppType")


class MenuUsed(KeyEvent):
    kind: Literal["click", "view", "view_miniprogram"]


class CodeScanned(KeyEvent):
    kind: Literal["scancode_push", "scancode_waitmsg"]
    scan_type: str = tag("ScanCodeInfo/ScanType")
    scan_result: str = tag("ScanCodeInfo/ScanResult")


class PicturesChosen(KeyEvent):
    """The pictures themselves come as image messages. Real traffic repeats PicList per photo (callbacks trap 37)."""

    kind: Literal["pic_sysphoto", "pic_photo_or_album", "pic_weixin"]
    count: int | None = number("SendPicsInfo/Count")
    digests: list[str] = many("SendPicsInfo/PicList/item/PicMd5Sum")


class PlaceChosen(KeyEvent):
    kind: Literal["location_select"]
    latitude: float | None = number("SendLocationInfo/Location_X")
    longitude: float | None = number("SendLocationInfo/Location_Y")
    scale: int | None = number("SendLocationInfo/Scale")
    label: str = tag("SendLocationInfo/Label")
    poi_name: str = tag("SendLocationInfo/Poiname")
    app_type: str = tag("AppType")


class AppShared(KeyEvent):
    kind: Literal["share_agent_change", "share_chain_change"]


class AppActivityChanged(Event):
    kind: Literal[
        "inactive_alert",
        "low_active_alert",
        "close_inactive_agent",
        "reopen_inactive_agent",
        "low_active",
        "active_restored",
    ]
    effective_at: int | None = number("EffectTime")


class WorkbenchModeSwitched(Event):
    kind: Literal["switch_workbench_mode"]
    mode: int | None = number("Mode")


class AppAdministratorsChanged(Event):
    kind: Literal["change_app_admin"]


class MediaUploadFinished(Event):
    kind: Literal["upload_media_job_finish"]
    job_id: str = tag("JobId")


class PlatformAddressesChanged(Event):
    kind: Literal["security.change_domain_ip"]


# ------------------------------------------------------------------ callbacks §2.3: cards


class Selection(Element):
    question_key: str = tag("QuestionKey")
    option_ids: list[str] = many("OptionIds/OptionId", "OpitonIds/OpitonId", "OptionIds/OpitonId")


class CardEvent(KeyEvent):
    task_id: str = required("TaskId")
    card_type: str = tag("CardType")
    response_code: str = tag("ResponseCode")
    """Single use, 72 hours (callbacks trap 39)."""


class CardClicked(CardEvent):
    kind: Literal["template_card_event"]
    selections: list[Selection] = many("SelectedItems/SelectedItem")


class CardMenuUsed(CardEvent):
    kind: Literal["template_card_menu_event"]


class TaskCardClicked(KeyEvent):
    """The legacy task card."""

    kind: Literal["taskcard_click"]
    task_id: str = tag("TaskId")


# ------------------------------------------------------------------ callbacks §2.4: contacts


class ExtraAttribute(Element):
    name: str = tag("Name")
    type: int | None = number("Type")
    value: str = tag("Text/Value")
    title: str = tag("Web/Title")
    url: str = tag("Web/Url")


class UserFields(Event):
    """Endpoints configured after 2022-08-15 send only the first three; None is "not said"."""

    userid: str = required("UserID")
    new_userid: str = tag("NewUserID")
    departments: CommaNumbers | None = commas("Department")
    name: str | None = one("Name")
    alias: str | None = one("Alias")
    position: str | None = one("Position")
    telephone: str | None = one("Telephone")
    address: str | None = one("Address")
    main_department: int | None = number("MainDepartment")
    leader_flags: CommaNumbers | None = commas("IsLeaderInDept")
    direct_leaders: CommaTexts | None = commas("DirectLeader")
    mobile: str | None = one("Mobile")
    email: str | None = one("Email")
    business_email: str | None = one("BizMail")
    avatar: str | None = one("Avatar")
    gender: int | None = number("Gender")
    status: int | None = number("Status")
    extra: list[ExtraAttribute] = many("ExtAttr/Item")


class UserChanged(UserFields):
    kind: Literal["change_contact.create_user", "change_contact.update_user"]


class UserDeleted(Event):
    kind: Literal["change_contact.delete_user"]
    userid: str = required("UserID")


class DepartmentChanged(Event):
    kind: Literal["change_contact.create_party", "change_contact.update_party"]
    department_id: int = required("Id")
    parent_id: int | None = number("ParentId")
    name: str | None = one("Name")
    order: int | None = number("Order")


class DepartmentDeleted(Event):
    kind: Literal["change_contact.delete_party"]
    department_id: int = required("Id")


class TagChanged(Event):
    kind: Literal["change_contact.update_tag"]
    tag_id: int = required("TagId")
    added_userids: CommaTexts | None = commas("AddUserItems")
    removed_userids: CommaTexts | None = commas("DelUserItems")
    added_departments: CommaNumbers | None = commas("AddPartyItems")
    removed_departments: CommaNumbers | None = commas("DelPartyItems")


# ------------------------------------------------------------------ callbacks §2.5: batch jobs


class BatchJobFinished(Event):
    """`code` 0 only says the job ran; the rows' results come from batch/getresult."""

    kind: Literal["batch_job_result"]
    job_id: str = tag("BatchJob/JobId")
    job_type: str = tag("BatchJob/JobType")
    code: int | None = number("BatchJob/ErrCode")
    message: str = tag("BatchJob/ErrMsg")


# ------------------------------------------------------------------ callbacks §2.6, §2.7: approvals


class EngineApprovalChanged(Event):
    kind: Literal["open_approval_change"]
    approval: EngineApproval = required("ApprovalInfo")


class SystemApprovalChanged(Event):
    kind: Literal["sys_approval_change"]
    approval: SystemApproval = required("ApprovalInfo")


# ------------------------------------------------------------------ callbacks §2.8: external contacts


class CustomerChanged(Event):
    kind: Literal[
        "change_external_contact.add_external_contact",
        "change_external_contact.add_half_external_contact",
        "change_external_contact.edit_external_contact",
        "change_external_contact.del_external_contact",
        "change_external_contact.del_follow_user",
        "change_external_contact.transfer_fail",
        "change_external_contact.msg_audit_approved",
    ]
    userid: str = tag("UserID")
    external_userid: str = tag("ExternalUserID")
    state: str = tag("State")
    welcome_code: str = tag("WelcomeCode")
    source: str = tag("Source")
    fail_reason: str = tag("FailReason")


class CustomerGroupChanged(Event):
    """A customer group (客户群), never an appchat: those raise no events at all (callbacks §2.9)."""

    kind: Literal["change_external_chat.create", "change_external_chat.update", "change_external_chat.dismiss"]
    chat_id: str = required("ChatId")
    detail: str = tag("UpdateDetail")
    join_scene: int | None = number("JoinScene")
    quit_scene: int | None = number("QuitScene")
    changed_count: int | None = number("MemChangeCnt")
    changed_members: list[str] = many("MemChangeList/Item")
    last_version: str = tag("LastMemVer")
    current_version: str = tag("CurMemVer")


class CustomerTagChanged(Event):
    kind: Literal[
        "change_external_tag.create",
        "change_external_tag.update",
        "change_external_tag.delete",
        "change_external_tag.shuffle",
    ]
    tag_id: str = tag("Id")
    tag_type: str = tag("TagType")
    strategy_id: str = tag("StrategyId")


# ------------------------------------------------------------------ of other pages


class ScheduleChanged(Event):
    """`respond_schedule` does not carry the answer: it is read from the schedule."""

    kind: Literal["respond_schedule", "modify_schedule", "delete_schedule", "modify_calendar", "delete_calendar"]
    calendar_id: str = tag("CalId")
    schedule_id: str = tag("ScheduleId")


class ArchiveHasNews(Event):
    kind: Literal["msgaudit_notify"]


class KeywordHit(Event):
    kind: Literal["hit_keyword"]
    token: str = tag("Token")


AnyEvent = Annotated[
    TextMessage | ImageMessage | VoiceMessage | VideoMessage | LocationMessage | LinkMessage
    | RangeChanged | AppEntered | LocationReported | MenuUsed | CodeScanned | PicturesChosen | PlaceChosen | AppShared
    | AppActivityChanged | WorkbenchModeSwitched | AppAdministratorsChanged | MediaUploadFinished
    | PlatformAddressesChanged | CardClicked | CardMenuUsed | TaskCardClicked | UserChanged | UserDeleted
    | DepartmentChanged | DepartmentDeleted | TagChanged | BatchJobFinished | EngineApprovalChanged
    | SystemApprovalChanged | CustomerChanged | CustomerGroupChanged | CustomerTagChanged | ScheduleChanged
    | ArchiveHasNews | KeywordHit,
    Field(discriminator="kind"),
]  # fmt: skip


def _by_kind() -> dict[str, type[Any]]:
    members = get_args(get_args(AnyEvent)[0])
    return {kind: member for member in members for kind in get_args(member.model_fields["kind"].annotation)}


MODELS: Final[dict[str, type[Any]]] = _by_kind()
"""Event type → model: every type of the catalogue."""


def read_event(event_type: str, root: XmlElement) -> AnyEvent | None:
    """The typed event; None for a type that is not in the catalogue.

    Raises pydantic's ValidationError where an element that the event needs is absent or holds what its type cannot: a
    handler's event is then parked with the reason, and the sender has long been answered.
    """
    model = MODELS.get(event_type)
    if model is None:
        return None
    event: AnyEvent = model.model_validate({**model.values_of(root), "kind": event_type})
    return event


def read_body(body: bytes) -> AnyEvent | None:
    root = read_elements(body)
    return read_event(read_header(root).event_type, root)
