"""The bodies of messages: what is required, and what is cut without a word (doc path/90236, path/90248)."""

import re
from typing import Any

from sandbox.api.call import Call
from sandbox.api.media import valid_media
from sandbox.errors import PlatformError

TEXT_BYTES = 2_048
TITLE = 128
DESCRIPTION = 512
BUTTON_CHARACTERS = 4
ARTICLES = 8
NOTICE_TITLE = 12
NOTICE_ITEMS = 10
TRANSLATED = re.compile(r"\$(userName|departmentName|userAlias|userAliasOrName)=([^$]+)\$")


def cut_bytes(text: str, most: int) -> str:
    """At most so many bytes of UTF-8, never half a character."""
    return text.encode()[:most].decode(errors="ignore")


def checked_body(call: Call, msgtype: str, *, in_group: bool) -> dict[str, Any]:
    """The body as it will be shown. In groups a text card's limits are bytes, elsewhere characters."""
    body = call.body.get(msgtype)
    if not isinstance(body, dict):
        raise PlatformError(44004 if msgtype in {"text", "markdown"} else 40063, msgtype)
    match msgtype:
        case "text" | "markdown":
            return _content(body)
        case "textcard":
            return _textcard(body, in_group=in_group)
        case "news" | "mpnews":
            return _articles(body)
        case "miniprogram_notice":
            return _miniprogram_notice(body)
        case _:
            return _media_body(call, msgtype, body)


def _content(body: dict[str, Any]) -> dict[str, Any]:
    content = body.get("content")
    if not isinstance(content, str) or not content:
        raise PlatformError(44004)
    return body | {"content": cut_bytes(content, TEXT_BYTES)}


def _textcard(body: dict[str, Any], *, in_group: bool) -> dict[str, Any]:
    for field, errcode in (("title", 41016), ("description", 41033), ("url", 41010)):
        if not body.get(field):
            raise PlatformError(errcode)
    if len(str(body["url"]).encode()) > TEXT_BYTES or "://" not in str(body["url"]):
        raise PlatformError(40094)
    cut = cut_bytes if in_group else (lambda text, most: text[:most])
    return {
        "title": cut(str(body["title"]), TITLE),
        "description": cut(str(body["description"]), DESCRIPTION),
        "url": body["url"],
        "btntxt": str(body.get("btntxt") or "详情")[:BUTTON_CHARACTERS],
    }


def _articles(body: dict[str, Any]) -> dict[str, Any]:
    articles = body.get("articles")
    if not isinstance(articles, list) or not 1 <= len(articles) <= ARTICLES:
        raise PlatformError(45008)
    if not all(isinstance(article, dict) and article.get("title") for article in articles):
        raise PlatformError(41016)
    return {"articles": [article | {"title": cut_bytes(str(article["title"]), TITLE)} for article in articles]}


def _miniprogram_notice(body: dict[str, Any]) -> dict[str, Any]:
    """A page of a mini program, with up to ten lines."""
    items = body.get("content_item") or []
    if not body.get("appid"):
        raise PlatformError(90201)
    if not isinstance(body.get("title"), str) or not 4 <= len(body["title"]) <= NOTICE_TITLE:  # noqa: PLR2004
        raise PlatformError(90203)
    if not isinstance(items, list) or len(items) > NOTICE_ITEMS:
        raise PlatformError(90206)
    if not all(isinstance(i, dict) and i.get("key") and i.get("value") for i in items):
        raise PlatformError(90207)
    return body


def _media_body(call: Call, msgtype: str, body: dict[str, Any]) -> dict[str, Any]:
    media = valid_media(call, body.get("media_id"), kind=msgtype)
    shown = {"media_id": media.media_id, "filename": media.filename}
    if msgtype == "video":
        shown["title"] = cut_bytes(str(body.get("title", "")), TITLE)
        shown["description"] = cut_bytes(str(body.get("description", "")), DESCRIPTION)
    return shown


def translate_ids(call: Call, value: Any) -> Any:
    """Replace `$userName=…$` and its kin (doc path/90236, appendix); the unresolvable stays as typed."""
    if isinstance(value, dict):
        return {key: translate_ids(call, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [translate_ids(call, inner) for inner in value]
    return TRANSLATED.sub(lambda found: _translated(call, found), value) if isinstance(value, str) else value


def _translated(call: Call, found: re.Match[str]) -> str:
    kind, wanted = found.groups()
    company = call.state.company
    if kind == "departmentName":
        department = company.departments.get(int(wanted)) if wanted.isdigit() else None
        return department.name if department else found.group()
    person = company.find(wanted)
    if person is None:
        return found.group()
    names = {"userName": person.name, "userAlias": person.alias, "userAliasOrName": person.alias or person.name}
    return names[kind]
