"""Errors as RFC 9457 problem documents that a person understands.

`problems(404, 409)` documents them on an endpoint. The kind of a domain error decides the status; the domain itself
knows no status codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from app.database import is_away
from app.errors import Conflict, DomainError, Forbidden, Gone, Invalid, NotFound, Unavailable
from app.observability import current_correlation_id, get_logger
from app.web.idempotency import KeyReused, forget
from app.web.messages import DETAILS, prefers_english, title_of
from app.web.scopes import TooManyRequests
from app.wecom.errors import WecomError, WecomRefused

log = get_logger()

MEDIA_TYPE = "application/problem+json"

# The nearest class of an error's family decides.
STATUS_BY_KIND: dict[type[DomainError], int] = {
    NotFound: 404,
    Gone: 410,
    Forbidden: 403,
    Conflict: 409,
    Invalid: 400,
    Unavailable: 503,
    KeyReused: 422,
    TooManyRequests: 429,
}

_TITLES = {
    400: "请求有误",
    401: "需要接口密钥",
    403: "没有权限",
    404: "找不到",
    405: "方法不支持",
    409: "状态已变",
    410: "已过保留期",
    413: "内容太大",
    422: "请求格式不对",
    429: "请求太多",
    500: "服务内部错误",
    502: "企业微信拒绝了这次调用",
    503: "暂时不可用",
}

FRAMEWORK_PROBLEMS: dict[str, tuple[str, int]] = {
    "malformed": (_TITLES[422], 422),
    "unexpected": (_TITLES[500], 500),
    "wecom-refused": (_TITLES[502], 502),
    "wecom-unreachable": ("企业微信暂时联系不上", 503),
    "database-away": ("数据库暂时不可用", 503),
    **{f"http-{status}": (_TITLES[status], status) for status in (400, 401, 403, 404, 405, 413)},
}
"""What no domain refuses: slug → title, status."""

# What the framework says by itself.
_DETAILS = {
    "Not Found": "没有这个地址，请对照 /docs 检查路径",
    "Method Not Allowed": "这个地址不支持这种方法，支持的方法见 Allow 头",
    "There was an error parsing the body": "读不懂请求内容，请发送 UTF-8 编码的 JSON",
}

# character_not_in_repertoire, untranslatable_character (NUL in text, in jsonb), numeric_value_out_of_range, and
# data_exception, which is what the driver says of a value that it cannot encode for the column.
UNSTORABLE = frozenset({"22021", "22P05", "22003", "22000"})


AWAY_SECONDS = 5
"""After so long a caller may try again while the database is away."""


_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_OF_FILES = "GET, HEAD"
"""What is mounted are files, whose refusal names no methods."""


class Problem(BaseModel):
    """RFC 9457. Further members carry facts of the particular problem."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["/problems/already-decided"])
    title: str = Field(examples=["已有人处理"])
    status: int
    detail: str = Field(description="What happened and what to do, in a sentence.")
    instance: str = Field(description="The path that was called.")
    correlation_id: str = Field(description="Names this request in the logs and in what it caused.")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of an endpoint: the problems it answers with."""
    return {
        status: {"model": Problem, "description": _TITLES[status], "content": {MEDIA_TYPE: {}}} for status in statuses
    }


def problem(
    request: Request, status: int, slug: str, title: str, detail: str, *, english: str | None = None, **facts: Any
) -> JSONResponse:
    """`english` is the detail for who reads English, where it is more exact than that of the slug (`DETAILS`)."""
    if _in_english(request):
        title, detail = title_of(slug), english or DETAILS.get(slug) or title_of(slug)
    document = {
        **facts,
        "type": f"/problems/{slug}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "correlation_id": current_correlation_id(),
    }
    headers = {"vary": "Accept-Language"}
    return JSONResponse(document, status, media_type=MEDIA_TYPE, headers=headers)


def _in_english(request: Request) -> bool:
    return prefers_english(request.headers.get("accept-language", ""))


def install(app: FastAPI) -> None:
    """Register the handlers on an application."""
    app.add_exception_handler(DomainError, _domain_error)
    app.add_exception_handler(WecomError, _wecom_error)
    app.add_exception_handler(RequestValidationError, _malformed)
    for kind in (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        app.add_exception_handler(kind, _database_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(Exception, unexpected)


def status_of(kind: type[DomainError]) -> int:
    """The status of a domain's refusal: its nearest kind decides."""
    return next((STATUS_BY_KIND[family] for family in kind.__mro__ if family in STATUS_BY_KIND), 500)


async def _domain_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainError)  # registered for this type alone
    facts = error.english_facts if _in_english(request) else error.facts
    answer = problem(
        request, status_of(type(error)), error.slug, error.title, str(error), english=error.english, **facts
    )
    if (seconds := error.facts.get("retry_after")) is not None:
        answer.headers["retry-after"] = str(seconds)
    return answer


async def _wecom_error(request: Request, error: Exception) -> JSONResponse:
    """The platform's refusal with its code, its meaning and the cure (F95)."""
    if isinstance(error, WecomRefused):
        in_english = _in_english(request)
        facts = {
            "errcode": error.errcode,
            "meaning": error.meaning_en if in_english else error.meaning_zh,
            "cure": error.cure_en if in_english else error.cure_zh,
            "path": error.path,
        }
        detail = f"{error.meaning_zh}。{error.cure_zh}"
        return problem(request, 502, "wecom-refused", _TITLES[502], detail, english=error.english, **facts)
    title, status = FRAMEWORK_PROBLEMS["wecom-unreachable"]
    return problem(request, status, "wecom-unreachable", title, "请稍后再试 (the platform did not answer)")


async def _malformed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # registered for this type alone
    in_english = _in_english(request)
    faults = faults_of(error.errors(), in_english=in_english)
    english = told_in_english(faults)
    return problem(request, 422, "malformed", _TITLES[422], told(faults), english=english, faults=faults)


async def _database_error(request: Request, error: Exception) -> JSONResponse:
    """The database is away or stores nothing now; or it holds no such value; or it is a fault of ours."""
    if is_away(error):
        return _database_away(request, error)
    sqlstate = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    if sqlstate not in UNSTORABLE:
        raise error
    return await _unstorable(request, sqlstate)


def _database_away(request: Request, error: Exception) -> JSONResponse:
    log.warning("request.database_away", path=request.url.path, error=repr(error)[:200])
    title, status = FRAMEWORK_PROBLEMS["database-away"]
    detail = "数据库暂时不可用，请稍后重发；带同一个 Idempotency-Key 就只做一次 (the database is away; try again later)"
    answer = problem(request, status, "database-away", title, detail)
    answer.headers["retry-after"] = str(AWAY_SECONDS)
    return answer


async def _unstorable(request: Request, sqlstate: str) -> JSONResponse:
    """Well-formed, but no column holds it: a NUL character in a text, a number with too many digits."""
    # It may have come to light only when the session committed, with the answer kept already.
    await forget(request)
    log.warning("request.unstorable", path=request.url.path, sqlstate=sqlstate)
    detail = "请求里有数据库存不下的值：文字里不能有空字符（NUL），数字不能太大，请修改后重发"
    english = "The database cannot store a value of it: no NUL in a text, and no number that is too large."
    return problem(request, 422, "malformed", _TITLES[422], detail, english=english)


async def http_error(request: Request, error: Exception) -> JSONResponse:
    """What the framework refuses by itself."""
    assert isinstance(error, HTTPException)  # registered for this type alone
    title = _TITLES.get(error.status_code, "请求有误")
    slug, said = f"http-{error.status_code}", str(error.detail)
    english = DETAILS.get(slug) or (said if said.isascii() else None)
    answer = problem(request, error.status_code, slug, title, _DETAILS.get(said, said), english=english)
    answer.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        answer.headers["allow"] = ", ".join(_methods_at(request)) or answer.headers.get("allow") or _OF_FILES
    return answer


def _methods_at(request: Request) -> list[str]:
    """What the address takes. The framework names only the methods of the first of its routes."""
    return [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]


async def unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request.failed", path=request.url.path, exc_info=error)
    detail = (
        "出现了没有预料到的错误，请把 correlation_id 交给管理员 (unexpected; give the correlation id to your operator)"
    )
    return problem(request, 500, "unexpected", _TITLES[500], detail)


# ---------------------------------------------------------------- what is wrong with data that came in

_SENTENCES = {
    "missing": "缺少这一项，请补上",
    "extra_forbidden": "不认识这一项，请检查拼写或删去",
    "string_type": "应为文字",
    "string_unicode": "不是有效的文字",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "格式不对，应符合 {pattern}",
    "too_short": "至少要有 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_parsing_size": "数字太大",
    "int_from_float": "应为整数",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "enum": "只能是 {expected}",
    "literal_error": "只能是 {expected}",
    "list_type": "应为列表",
    "dict_type": "应为 JSON 对象",
    "model_type": "应为 JSON 对象",
    "model_attributes_type": "应为 JSON 对象；请用 Content-Type: application/json 发送",
    "json_invalid": "不是有效的 JSON，请检查引号、逗号和括号，并用 UTF-8 编码",
    "timezone_aware": "要写明时区，如 2026-03-02T18:00:00+08:00",
}
_SENTENCES_BY_FAMILY = {
    "datetime": "应为带时区的时间，如 2026-03-02T18:00:00+08:00",
    "date": "应为日期，如 2026-03-02",
    "time": "应为时间，如 09:00",
    "uuid": "应为 id（UUID），如 01a1fa05-ffd1-7117-b1d9-d592fb457143",
}
"""By the first word of pydantic's name for a fault, for those not listed above."""


def fault_sentence(fault: Mapping[str, Any]) -> str:
    """One entry of `ValidationError.errors()`. What our own validators say is Chinese already (`app.web.schemas.wrong`,
    and the policy's).
    """
    kind, context = str(fault["type"]), fault.get("ctx", {})
    if kind == "value_error" and "error" in context:
        return str(context["error"])
    if "chinese" in context:
        return str(context["chinese"])
    template = _SENTENCES.get(kind) or _SENTENCES_BY_FAMILY.get(
        kind.partition("_")[0], "不符合要求，请对照接口文档修改"
    )
    return template.format(**{name: str(value).replace(" or ", " 或 ") for name, value in context.items()})


def faults_of(errors: Iterable[Mapping[str, Any]], *, in_english: bool = False) -> list[dict[str, str]]:
    """Where, and what: the member `faults` of a problem."""
    return [
        # The position behind `json_invalid` is no field.
        {
            "where": ".".join(
                str(part) for part in (fault["loc"][:1] if fault["type"] == "json_invalid" else fault["loc"])
            ),
            "what": str(fault["msg"]) if in_english else fault_sentence(fault),
        }
        for fault in errors
    ]


def told(faults: Iterable[Mapping[str, str]]) -> str:
    """All of them in one sentence."""
    return "；".join(f"{fault['where']}：{fault['what']}" if fault["where"] else fault["what"] for fault in faults)


def told_in_english(faults: Iterable[Mapping[str, str]]) -> str:
    return "; ".join(f"{fault['where']}: {fault['what']}" if fault["where"] else fault["what"] for fault in faults)
