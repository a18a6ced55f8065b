"""Our own address as the platform sees it: we sign and encrypt as it does, and call ourselves by the outside name.

That goes through DNS, the certificate, the proxy and its paths, and ends at the keys of the process that serves.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from http import HTTPStatus
from time import perf_counter
from typing import Final
from urllib.parse import quote, urlsplit

import httpx
from defusedxml.ElementTree import fromstring

from app.doctor.checks.refused import since_last_verified
from app.doctor.checks.storage import last_callback
from app.doctor.context import CheckContext, is_private
from app.doctor.findings import APP_PAGE, SYNC_PAGE, Finding, failed, ok, skipped, warning
from callbacks.crypto import OWN_NONCE, Keys
from models.ids import APP, CONTACTS, AppId

ANSWERS_WITHIN_SECONDS: Final = 1.0
"""The platform's patience when an address is saved (callbacks §1.2)."""

_PAGES: Final = {APP: f"{APP_PAGE} → 接收消息 → 设置API接收", CONTACTS: f"{SYNC_PAGE} → 接收事件服务器"}
_SAME_SETTINGS: Final = "让提供服务的进程与这里用同样的配置，改过之后要重启"
_NO_UPSTREAM: Final = ("代理到不了本服务", "启动 steward run 或 serve，核对代理的上游地址")
_STATUSES: Final[dict[int, tuple[str, str]]] = {
    404: ("找不到", "反向代理要把 /callbacks/ 原样转发给本服务"),
    502: _NO_UPSTREAM,
    503: _NO_UPSTREAM,
    504: _NO_UPSTREAM,
}
_INSIDE: Final = ("/metrics", "/readyz", "/docs", "/openapi.json", "/console", "/api/v1/departments")
"""What nobody outside needs."""


async def callback_of_app(context: CheckContext) -> Finding:
    return await _callback(context, APP)


async def callback_of_contacts(context: CheckContext) -> Finding:
    return await _callback(context, CONTACTS)


async def _callback(context: CheckContext, app_id: AppId) -> Finding:
    if context.public_url is None:
        return skipped("没有填 STEWARD_PUBLIC_URL，不知道外网地址")
    heard = await last_callback(context, app_id)
    address = f"{context.public_url}/callbacks/{app_id}"
    echo = str(secrets.randbelow(9 * 10**18) + 10**18)
    began = perf_counter()
    try:
        response = await context.outside.get(_signed(context, app_id, address, echo))
    except httpx.RequestError as error:
        return await _not_reached(context, address, error)
    seconds = perf_counter() - began
    if response.status_code != HTTPStatus.OK:
        return await _refused(context, app_id, address, response.status_code)
    if response.content != echo.encode():
        return failed(
            f"{address} 有应答，但内容不是原文（{len(response.content)} 字节）",
            "前面的代理改了内容，或者这个地址不是本服务（例如登录页）；/callbacks/ 要原样转发",
            _PAGES[app_id],
        )
    if seconds > ANSWERS_WITHIN_SECONDS:
        return failed(
            f"{address} 的应答用了 {seconds:.1f} 秒，平台只等 1 秒", "检查 DNS、证书链和代理的速度", _PAGES[app_id]
        )
    well = ok(f"{address} 通过验证，{seconds * 1000:.0f} 毫秒{heard}")
    return await since_last_verified(context, app_id) or well


def _signed(context: CheckContext, app_id: AppId, address: str, echo: str) -> str:
    timestamp, nonce = str(int(context.clock.now().timestamp())), OWN_NONCE + secrets.token_hex(6)
    sealed = fromstring(_keys(context, app_id).seal(echo, nonce=nonce, timestamp=timestamp))
    query = {
        "msg_signature": sealed.findtext("MsgSignature") or "",
        "timestamp": timestamp,
        "nonce": nonce,
        "echostr": sealed.findtext("Encrypt") or "",
    }
    # `+` of base64 must survive: encoded once, as the platform does.
    return f"{address}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())


def _keys(context: CheckContext, app_id: AppId) -> Keys:
    wecom = context.settings.wecom
    token, aes_key = (
        (wecom.app_token, wecom.app_aes_key) if app_id == APP else (wecom.contacts_token, wecom.contacts_aes_key)
    )
    return Keys(token.get_secret_value(), aes_key.get_secret_value(), wecom.corp_id)


async def _not_reached(context: CheckContext, address: str, error: httpx.RequestError) -> Finding:
    host = urlsplit(address).hostname
    cause = _cause(error)
    if isinstance(cause, ssl.SSLError):
        reason = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else cause.reason
        return failed(f"{host} 的证书有问题：{reason}", "换上受信任、未过期、证书链完整的证书")
    if isinstance(error, httpx.TimeoutException):
        return failed(f"{address} 没有应答（超时）", "检查防火墙、代理和端口转发")
    if await _is_unknown(host or ""):
        return failed(f"域名 {host} 解析不到", "检查 DNS 与 STEWARD_PUBLIC_URL")
    told = (
        ""
        if await _runs_here(context)
        else f"；本机的 {context.local_url} 也没有服务在运行，请先启动 steward run 或 serve"
    )
    return failed(f"连不上 {address}{told}", "检查服务是否在运行，防火墙与反向代理是否放行")


async def _is_unknown(host: str) -> bool:
    try:
        await asyncio.get_running_loop().getaddrinfo(host, None)
    except OSError:
        return True
    return False


def _cause(error: BaseException) -> BaseException:
    """What the HTTP library wrapped."""
    while (inner := error.__cause__ or error.__context__) is not None:
        if isinstance(inner, ssl.SSLError):
            return inner
        error = inner
    return error


async def _runs_here(context: CheckContext) -> bool:
    try:
        return (await context.outside.get(f"{context.local_url}/healthz")).status_code == HTTPStatus.OK
    except httpx.RequestError:
        return False


async def _refused(context: CheckContext, app_id: AppId, address: str, status: int) -> Finding:
    page = _PAGES[app_id]
    if status == HTTPStatus.BAD_REQUEST:
        return failed(f"{address}：服务解不开我们的密文，它的 EncodingAESKey 与这里的不同", _SAME_SETTINGS, page)
    if status == HTTPStatus.FORBIDDEN:
        differs = "企业ID" if await _accepts_token(context, app_id, address) else "Token"
        or_else = "（或它的时钟不准，或前面的代理拒绝了）" if differs == "Token" else ""
        return failed(f"{address}：服务不认我们的签名，它的 {differs} 与这里的不同{or_else}", _SAME_SETTINGS, page)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return failed(f"{address} 转到了别处（{status}）", "平台不跟随跳转：STEWARD_PUBLIC_URL 直接填最终的地址", page)
    says, do = _STATUSES.get(status, ("没有通过验证", "核对反向代理，/callbacks/ 要原样转发且不要求登录"))
    return failed(f"{address}：{says}（{status}）", do, page)


async def _accepts_token(context: CheckContext, app_id: AppId, address: str) -> bool:
    """Correctly signed nonsense is refused as nonsense (400) by whoever has the same token."""
    timestamp, nonce, nonsense = str(int(context.clock.now().timestamp())), OWN_NONCE + secrets.token_hex(6), "AAAA"
    signature = _keys(context, app_id).sign(timestamp, nonce, nonsense)
    query = f"msg_signature={signature}&timestamp={timestamp}&nonce={nonce}&echostr={nonsense}"
    try:
        response = await context.outside.get(f"{address}?{query}")
    except httpx.RequestError:
        return False
    return response.status_code == HTTPStatus.BAD_REQUEST


async def exposure(context: CheckContext) -> Finding:
    """Outside, only the callbacks and the employees' pages are needed."""
    url = context.settings.public_url
    if url is None or is_private(urlsplit(url).hostname or ""):
        return skipped("没有外网地址")
    open_paths = []
    for path in _INSIDE:
        try:
            response = await context.outside.get(url + path)
        except httpx.RequestError as error:
            return skipped(f"没有连上 {url}（{type(error).__name__}）")
        # Without a key the REST interface says 401: it is reachable all the same.
        if response.status_code in {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE}:
            open_paths.append(path)
    if open_paths:
        return warning(
            f"从外网地址能访问 {'、'.join(open_paths)}", "反向代理对外只放行 /callbacks 与 /me；从内网访问其余的"
        )
    return ok("对外没有多余的路径")
