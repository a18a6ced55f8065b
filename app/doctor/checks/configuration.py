"""Settings that are well-formed and nevertheless cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from app.doctor.context import CheckContext, is_private
from app.doctor.findings import Finding, State, failed, ok, page_of, warning
from app.settings_files import is_open_to_others

SANDBOX = "sandbox"
"""What the published credentials of the sandbox begin with, in any context."""


async def plausible(context: CheckContext) -> Finding:
    """The worst of what is odd, with everything else that is."""
    oddities = list(_oddities(context))
    if not oddities:
        address = context.settings.public_url or context.local_url
        return ok(f"完整；外网地址 {address}")
    worst = next((each for each in oddities if each.state is State.FAILED), oddities[0])
    says = "；".join(each.says for each in oddities)
    do = "；".join(dict.fromkeys(each.do for each in oddities if each.do))
    return Finding(worst.state, says, do, worst.page)


def _oddities(context: CheckContext) -> Iterator[Finding]:
    settings, wecom = context.settings, context.settings.wecom
    if wecom.app_secret == wecom.contacts_secret:
        yield failed(
            "自建应用与通讯录同步填了同一个 Secret",
            "两个 Secret 在不同的页面，各填各的",
            page_of("WECOM_CONTACTS_SECRET"),
        )
    if wecom.app_token == wecom.contacts_token and wecom.app_aes_key == wecom.contacts_aes_key:
        yield warning(
            "两个接收地址用了同一对 Token 和 EncodingAESKey",
            "在两个页面各自随机生成，分别填写",
            page_of("WECOM_CONTACTS_TOKEN"),
        )
    if settings.bootstrap_api_key is not None and not context.is_rehearsal:
        yield warning(
            "STEWARD_BOOTSTRAP_API_KEY 还在：它有全部权限",
            "用 steward api-key create 建好正式的密钥后，去掉它并重启",
        )
    if any(
        (
            wecom.app_previous_token,
            wecom.app_previous_aes_key,
            wecom.contacts_previous_token,
            wecom.contacts_previous_aes_key,
        )
    ):
        yield warning("轮换密钥的旧值还在", "管理后台已换成新值且没有拒收后，去掉 …_PREVIOUS_…")
    if context.env_file is not None and is_open_to_others(context.env_file):
        yield warning(f"{context.env_file} 别的账号也能读，里面有密钥", f"chmod 600 {context.env_file}")
    yield from _address(context)
    if not context.is_rehearsal and SANDBOX in settings.secret_key.get_secret_value().lower():
        yield failed("STEWARD_SECRET_KEY 是示例里的值", "自行生成：" + page_of("SECRET_KEY").partition("：")[2])
    if not context.is_rehearsal and wecom.app_secret.get_secret_value().lower().startswith(SANDBOX):
        yield failed("填的是沙箱的 Secret，平台却是真的", "填写真实的 Secret", page_of("WECOM_APP_SECRET"))


def _address(context: CheckContext) -> Iterator[Finding]:
    url = context.settings.public_url
    if context.is_rehearsal:
        return
    if url is None:
        yield failed("STEWARD_PUBLIC_URL 没有填", "填企业微信和手机访问本服务的地址，如 https://steward.example.com")
        return
    parts = urlsplit(url)
    if is_private(parts.hostname or ""):
        yield failed(f"外网访问不到 {parts.hostname}", "STEWARD_PUBLIC_URL 要填外网能访问的域名")
    if parts.scheme != "https":
        yield warning("STEWARD_PUBLIC_URL 不是 https", "给域名配上证书，用 https://")
