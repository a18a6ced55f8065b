"""The checks in the order of WeCom's console, each bounded in time, each skipped when what it builds on has failed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from app.doctor.checks import configuration, outside, platform, storage, waiting
from app.doctor.context import CheckContext
from app.doctor.findings import Finding, State, failed, skipped
from app.observability import get_logger
from app.quotes import quoted

log = get_logger()

LONGEST_SECONDS: Final = 25.0
"""A check that hangs becomes a finding. The clients inside give up earlier."""


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    title: str
    examine: Callable[[CheckContext], Awaitable[Finding]]
    needs: tuple[str, ...] = ()
    """Names of checks that must have ended well, or with a warning."""


CHECKS: Final = (
    Check("settings", "配置", configuration.plausible),
    Check("platform", "连接企业微信", platform.reachable),
    Check("clock", "时钟", platform.clock, needs=("platform",)),
    Check("database", "数据库", storage.database),
    Check("schema", "数据库结构", storage.schema, needs=("database",)),
    Check("queue", "后台处理", storage.queue, needs=("database", "schema")),
    Check("waiting", "等人决定", waiting.for_a_person, needs=("schema",)),
    Check("secret.app", "自建应用的 Secret", platform.secret_of_app, needs=("platform",)),
    Check("secret.contacts", "通讯录同步的 Secret", platform.secret_of_contacts, needs=("platform",)),
    Check("agent", "应用", platform.agent, needs=("secret.app",)),
    Check("visible_range", "可见范围", platform.visible_range, needs=("agent",)),
    Check("menu", "应用菜单", platform.menu, needs=("agent",)),
    Check("reading", "通讯录读取", platform.reading, needs=("secret.contacts", "agent")),
    Check("callback.app", "回调地址（自建应用）", outside.callback_of_app),
    Check("callback.contacts", "回调地址（通讯录同步）", outside.callback_of_contacts),
    Check("trusted_ip.app", "企业可信IP（自建应用）", platform.trusted_for_app, needs=("secret.app",)),
    Check("trusted_ip.contacts", "企业可信IP（通讯录同步）", platform.trusted_for_contacts, needs=("secret.contacts",)),
    Check("licences", "接口许可", storage.licences, needs=("schema",)),
    Check("policy", "制度", storage.policy, needs=("schema",)),
    Check("keys", "密钥的权限", waiting.widened_keys, needs=("schema",)),
    Check("service_accounts", "密钥可办的事", waiting.powers_of_keys, needs=("schema",)),
    Check("two_people", "双人确认", waiting.second_people, needs=("policy",)),
    Check("exposure", "对外暴露", outside.exposure),
)

_TITLES: Final = {check.name: check.title for check in CHECKS}


async def examine(
    context: CheckContext, *, on_start: Callable[[Check], None] = lambda _check: None, longest: float = LONGEST_SECONDS
) -> AsyncIterator[tuple[Check, Finding]]:
    """Every check with its finding, as it is found."""
    for check in CHECKS:
        on_start(check)
        finding = context.found[check.name] = await _examined(context, check, longest)
        yield check, finding


async def _examined(context: CheckContext, check: Check, longest: float) -> Finding:
    missing = [name for name in check.needs if _is_bad(context.found.get(name))]
    if missing:
        return skipped(f"{quoted(_TITLES[missing[0]])}没有通过，先处理它")
    try:
        async with asyncio.timeout(longest):
            return await check.examine(context)
    except TimeoutError:
        return failed(f"{longest:.0f} 秒内没有结果", "网络或数据库没有应答；稍后再试")
    except (OSError, SQLAlchemyError) as error:
        return failed(f"检查没有做完：{type(error).__name__}")
    except Exception as error:
        # A check must not end the examination; what it says may hold a secret, so only its kind is told.
        log.exception("doctor.check_failed", check=check.name)
        return failed(f"检查没有做完：{type(error).__name__}")


def _is_bad(finding: Finding | None) -> bool:
    return finding is None or finding.state in {State.FAILED, State.SKIPPED}
