"""The platform's error codes and the shape of its answers (doc path/90313, path/90930)."""

import itertools
import secrets
import time
from typing import Any

TEXTS: dict[int, str] = {
    -1: "system busy",
    40001: "invalid credential",
    40003: "invalid userid",
    40004: "invalid media type",
    40006: "invalid media size",
    40007: "invalid media_id",
    40008: "invalid message type",
    40013: "invalid corpid",
    40014: "invalid access_token",
    40016: "invalid button size",
    40018: "invalid button name size",
    40019: "invalid button key size",
    40020: "invalid button url size",
    40022: "invalid sub button level",
    40023: "invalid sub button size",
    40025: "invalid sub button name size",
    40017: "invalid button type",
    40031: "invalid userid list",
    40032: "invalid userid list size",
    40033: "invalid charset: do not send escaped unicode",
    40035: "invalid parameter",
    40056: "invalid agentid",
    40057: "callback url verification failed",
    40058: "invalid parameter",
    40063: "some parameters are empty",
    40066: "invalid party list",
    40068: "invalid tagid",
    40070: "all tag users or parties invalid",
    40071: "tag name already existed",
    40072: "invalid tag name size",
    41001: "access_token missing",
    41002: "corpid missing",
    41004: "secret missing",
    41009: "userid missing",
    41011: "agentid missing",
    41016: "title missing",
    41017: "tagid missing",
    41018: "tagname missing",
    41019: "department missing",
    41033: "description missing",
    42001: "access_token expired",
    42014: "invalid task_id",
    42015: "card belongs to another app",
    42022: "response code already used",
    42027: "horizontal_content_list.keyname missing",
    42028: "url missing",
    42029: "media_id missing",
    42030: "appid missing",
    42031: "invalid card_type",
    42033: "title missing",
    42035: "invalid horizontal_content_list size",
    42036: "invalid vertical_content_list size",
    42037: "invalid option_list size",
    42038: "button text missing or invalid",
    42039: "button key missing or invalid",
    42040: "option id missing or invalid",
    42041: "option text missing or invalid",
    42042: "invalid jump_list size",
    42043: "question_key missing or invalid",
    42044: "card_image.url missing or invalid",
    42045: "card_action missing or invalid",
    42046: "submit_button.key missing or invalid",
    42047: "invalid select_list size",
    42049: "submit_button.text missing or invalid",
    42050: "horizontal_content_list.userid missing or invalid",
    42051: "duplicate key in action_list",
    42052: "msgid expired",
    43012: "app has no callback url",
    44001: "empty media data",
    44004: "empty content",
    45001: "media size out of limit",
    45008: "article size out of limit",
    45009: "api freq out of limit",
    45033: "api concurrent out of limit",
    46003: "menu not exist",
    48002: "api forbidden",
    48009: "contacts details not available from this ip",
    49008: "chat was dissolved",
    40050: "chatid not exist",
    50003: "app disabled",
    50100: "invalid cursor",
    60001: "invalid department name length",
    60003: "department not found",
    60004: "parent department not found",
    60005: "department contains users",
    60006: "department contains sub departments",
    60007: "can not delete root department",
    60008: "department existed",
    60009: "department name contains illegal characters",
    60010: "department can not be its own descendant",
    60011: "no privilege to access/modify contact/party/agent",
    60020: "not allow to access from your ip",
    60102: "userid existed",
    60103: "invalid mobile",
    60104: "mobile existed",
    60106: "email existed",
    60110: "too many departments",
    60111: "userid not found",
    60112: "invalid name",
    60123: "invalid party id",
    60129: "mobile and email both empty",
    60132: "is_leader_in_dept does not match department",
    60140: "invalid response_code",
    60257: "too many direct leaders",
    81002: "department depth out of limit",
    81003: "tag nodes out of limit",
    81011: "no privilege to modify this tag",
    81013: "user & party & tag all invalid",
    81014: "too many users or parties",
    82001: "touser & toparty & totag all empty",
    82002: "too many parties",
    82003: "too many tags",
    86001: "invalid chatid",
    86003: "chatid not exist",
    86005: "invalid chat owner",
    86006: "invalid chat member size",
    86008: "chat created by another app",
    86201: "chatid missing",
    86204: "chat members missing",
    86205: "chatid too long",
    86207: "owner not in chat member list",
    86215: "chatid existed",
    86216: "invalid chat member",
    301002: "agentid not match access_token",
    301025: "invalid parameter, or not of the template's form",
    301026: "get template failed",
    301055: "no approval auth",
    301056: "approval app disabled",
    301079: "leave time conflict",
    301086: "invalid parameter",
    301087: "too many templates",
    301088: "no privilege",
    301112: "too many records, narrow the time range",
    301115: "template has a custom print layout",
    301012: "invalid position",
    301023: "invalid list size",
    301036: "userid can not be changed",
}

_serial = itertools.count(1)


class PlatformError(Exception):
    """An answer with a non-zero errcode; everything done before it is raised must be undone by the raiser."""

    def __init__(self, errcode: int, detail: str = "") -> None:
        self.errcode = errcode
        self.detail = detail
        super().__init__(f"{errcode} {self.text}")

    @property
    def text(self) -> str:
        text = TEXTS.get(self.errcode, "error")
        return f"{text}: {self.detail}" if self.detail else text


def error_answer(error: PlatformError, *, from_ip: str) -> dict[str, Any]:
    """The failed answer with the tail from which clients learn their own address."""
    hint = f"{int(time.time())}_{next(_serial)}_{secrets.token_hex(16)}"
    more = f"https://open.work.weixin.qq.com/devtool/query?e={error.errcode}"
    errmsg = f"{error.text}, hint: [{hint}], from ip: {from_ip}, more info at {more}"
    return {"errcode": error.errcode, "errmsg": errmsg}


def ok(errmsg: str = "ok", **fields: Any) -> dict[str, Any]:
    return {"errcode": 0, "errmsg": errmsg, **fields}
