"""Settings: one frozen class, grouped. Read once at start; every fault is told at once, with where to find the value.

Only this module reads the environment. Names are `STEWARD_` + the field's path in capitals (`wecom.corp_id` is
`STEWARD_WECOM_CORP_ID`); a secret may come from a file instead, named by the same name + `_FILE`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
)
from pydantic.fields import FieldInfo

from app.database_url import check_url
from app.http_url import check_http_url
from app.settings_files import FaultyFile, read_env_file, read_small_file, shown
from listening.address import split_address

PREFIX = "STEWARD_"

LONGEST_VALUE = 4_000
LONGEST_DURATION = timedelta(days=3_650)
LONGEST_ON_SERVER = timedelta(days=24)
"""The server counts milliseconds in 31 bits, and refuses every connection that asks for more."""
LONGEST_KEEPALIVE = timedelta(hours=9)
"""Linux takes 32,767 seconds and no more: a longer one would leave the connection unprobed."""
LONGEST_PATH = 3_000
LONGEST_PUBLIC_URL = 900
"""With the path of a page behind it, it is an address that the menu of the app takes: 1,024 bytes (messaging §10.2)."""
HIGHEST_RATE = 10**9
"""Requests a minute that no process comes near; what is more is meant as 0, without a limit."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _duration(value: Any) -> Any:
    """`90s`, `30m`, `6h`, `1d`; anything else is left to pydantic (ISO 8601, seconds)."""
    if isinstance(value, str) and (match := re.fullmatch(r"([0-9]{1,9})([smhd])", value.strip())):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    return value


def _sane_duration(value: timedelta) -> timedelta:
    """A second at least: what recurs more often never rests. Ten years at most: dates end in the year 9999."""
    if value < timedelta(seconds=1):
        raise ValueError("must be longer than zero, at least a second: 90s, 30m, 6h, 1d")
    if value > LONGEST_DURATION:
        raise ValueError(f"must be {LONGEST_DURATION.days}d at most")
    return value


def _at_most(longest: timedelta, shown: str) -> Any:
    def check(value: timedelta) -> timedelta:
        if value > longest:
            raise ValueError(f"must be {shown} at most")
        return value

    return AfterValidator(check)


def _sane_rate(value: int) -> int:
    if not 0 <= value <= HIGHEST_RATE:
        raise ValueError(f"must be 0 (no limit) to {HIGHEST_RATE}")
    return value


def _time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"{value} is not a time zone; write for example Asia/Shanghai")
    return value


def _listen(value: str) -> str:
    split_address(value)
    return value


def _path(value: Path) -> Path:
    if len(str(value)) > LONGEST_PATH:
        raise ValueError("the path is too long")
    return value


def _domain_files(value: str) -> str:
    names = [name.strip() for name in value.split(",") if name.strip()]
    if any(not re.fullmatch(r"WW_verify_[A-Za-z0-9]{1,64}\.txt", name) for name in names):
        raise ValueError("must be names like WW_verify_AbC123.txt, with commas between them")
    return ",".join(names)


def _secret(pattern: str, says: str) -> Any:
    def check(value: SecretStr) -> SecretStr:
        if not re.fullmatch(pattern, value.get_secret_value()):
            raise ValueError(says)
        return value

    return AfterValidator(check)


def _joined(value: str) -> str:
    if "?" in value or "#" in value:
        raise ValueError("must end before any ? or #: the paths of pages are added behind it")
    if len(value.encode()) > LONGEST_PUBLIC_URL:
        raise ValueError(f"must be {LONGEST_PUBLIC_URL} bytes at most")
    return value


def _database_url(value: SecretStr) -> SecretStr:
    check_url(value.get_secret_value())
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_sane_duration)]
ServerDuration = Annotated[Duration, _at_most(LONGEST_ON_SERVER, "24d")]
Keepalive = Annotated[Duration, _at_most(LONGEST_KEEPALIVE, "9h")]
Rate = Annotated[int, AfterValidator(_sane_rate)]
Listen = Annotated[str, AfterValidator(_listen)]
Token = Annotated[SecretStr, _secret(r"[A-Za-z0-9]{1,32}", "must be 1 to 32 letters and digits")]
AesKey = Annotated[SecretStr, _secret(r"[A-Za-z0-9]{43}", "must be exactly 43 letters and digits")]
Secret = Annotated[SecretStr, _secret(r"\S{8,}", "must be at least 8 characters without blanks")]
LongSecret = Annotated[SecretStr, _secret(r"\S{32,}", "must be at least 32 characters without blanks")]
HttpUrl = Annotated[
    str, StringConstraints(pattern=r"^https?://[^\s]+[^/\s]$", max_length=2_000), AfterValidator(check_http_url)
]
DomainFiles = Annotated[str, AfterValidator(_domain_files)]
PublicUrl = Annotated[HttpUrl, AfterValidator(_joined)]
SanePath = Annotated[Path, AfterValidator(_path)]
PostgresUrl = Annotated[
    SecretStr,
    _secret(r"postgres(ql)?(\+asyncpg)?://\S+", "must look like postgresql://user:password@host:5432/database"),
    AfterValidator(_database_url),
]

_APP = "企业微信管理后台 → 应用管理 → 自建应用"
_RECEIVE = f"{_APP} → 接收消息 → 设置API接收"
_SYNC = "企业微信管理后台 → 安全与管理 → 管理工具 → 通讯录同步"


class WecomSettings(BaseModel):
    """The corp's credentials on the platform."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_base: HttpUrl = Field(
        "https://qyapi.weixin.qq.com/cgi-bin",
        description="地址固定；私有化部署或沙箱时才改 (the platform's API, without a trailing slash)",
    )
    authorize_url: HttpUrl = Field(
        "https://open.weixin.qq.com/connect/oauth2/authorize",
        description="企业微信内登录的地址；私有化部署或沙箱时才改 (web OAuth inside WeCom)",
    )
    login_url: HttpUrl = Field(
        "https://login.work.weixin.qq.com/wwlogin/sso/login",
        description="电脑上扫码登录的地址；私有化部署或沙箱时才改 (sign-in on a computer)",
    )
    domain_files: DomainFiles | None = Field(
        None,
        description="可信域名的校验文件 WW_verify_….txt，多个用逗号分开，可不填"
        " (names of the ownership files of the trusted domain, optional)",
    )
    proxy: HttpUrl | None = Field(None, description="出口代理，可不填 (outgoing proxy, optional)")
    corp_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{4,64}$")] = Field(
        description="企业微信管理后台 → 我的企业 → 企业信息 → 企业ID"
    )
    agent_id: int = Field(gt=0, lt=2**63, description=f"{_APP} → AgentId")
    app_secret: Secret = Field(description=f"{_APP} → Secret")
    app_token: Token = Field(description=f"{_RECEIVE} → Token")
    app_aes_key: AesKey = Field(description=f"{_RECEIVE} → EncodingAESKey")
    contacts_secret: Secret = Field(description=f"{_SYNC} → Secret")
    contacts_token: Token = Field(description=f"{_SYNC} → 接收事件服务器 → Token")
    contacts_aes_key: AesKey = Field(description=f"{_SYNC} → 接收事件服务器 → EncodingAESKey")
    app_previous_token: Token | None = Field(None, description="轮换密钥期间的旧值 (only while rotating)")
    app_previous_aes_key: AesKey | None = Field(None, description="轮换密钥期间的旧值 (only while rotating)")
    contacts_previous_token: Token | None = Field(None, description="轮换密钥期间的旧值 (only while rotating)")
    contacts_previous_aes_key: AesKey | None = Field(None, description="轮换密钥期间的旧值 (only while rotating)")


class Settings(BaseModel):
    """Everything an operator can set. Values are validated here, once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: PostgresUrl | None = Field(
        None, description="postgresql://…；不填则用内置 PostgreSQL (unset: an embedded PostgreSQL under DATA_DIR)"
    )
    database_statement_timeout: ServerDuration = Field(
        timedelta(minutes=5), description="一条 SQL 最多执行多久，如 5m (statement_timeout)"
    )
    database_lock_timeout: ServerDuration = Field(
        timedelta(minutes=2),
        description="等待锁最多多久，应长于 DATABASE_IDLE_TIMEOUT (lock_timeout; longer than DATABASE_IDLE_TIMEOUT)",
    )
    database_idle_timeout: ServerDuration = Field(
        timedelta(minutes=1),
        description="事务中停住多久后由数据库断开，如 1m (idle_in_transaction_session_timeout)",
    )
    database_keepalive: Keepalive = Field(
        timedelta(minutes=1), description="连接静默多久后数据库探测对端，如 1m (tcp_keepalives_idle)"
    )
    test_database_url: PostgresUrl | None = Field(
        None, description="测试用数据库服务器 (tests: a server to use instead of the embedded one)"
    )
    data_dir: SanePath = Field(Path("./var"), description="数据目录 (where the embedded database lives)")
    public_url: PublicUrl | None = Field(
        None,
        description="外网访问地址；不填则卡片没有链接、应用没有菜单 (how the platform and phones reach this service)",
    )
    listen: Listen = Field("127.0.0.1:8080", description="监听地址 host:port，IPv6 写成 [::]:8080")
    worker_listen: Listen | None = Field(
        None,
        description="worker 进程的探针与指标地址，不填则不监听 (`steward worker`: /healthz and /metrics; optional)",
    )
    log_format: Literal["console", "json"] = Field("console", description="console 或 json")
    timezone: Annotated[str, AfterValidator(_time_zone)] = Field("Asia/Shanghai", description="公司所在时区")
    sync_interval: Duration = Field(timedelta(hours=6), description="通讯录全量对账间隔，如 30m、6h (full reconcile)")
    callback_window: Duration = Field(
        timedelta(minutes=5), description="回调时间戳允许的偏差，如 5m (replay window on either side)"
    )
    session_idle: Duration = Field(
        timedelta(hours=12), description="多久不用就要重新登录，如 12h (a person's session without a visit)"
    )
    session_longest: Duration = Field(
        timedelta(days=7), description="登录最长保持多久，如 7d (a person's session, however busy)"
    )
    events_kept: Duration = Field(
        timedelta(days=90), description="事件流保留多久，如 90d (how long other services can read an event)"
    )
    api_rate: Rate = Field(
        6000,
        description="每个接口密钥每分钟最多的请求数，按进程计，0 为不限 (requests per key, minute and process)",
    )
    policy_file: SanePath | None = Field(None, description="首次启动时载入的制度文件，不填用内置默认制度")
    secret_key: LongSecret = Field(
        description="自行生成并妥善保存：python -c 'import secrets; print(secrets.token_urlsafe(48))'"
    )
    bootstrap_api_key: LongSecret | None = Field(None, description="首次使用的全权限接口密钥，可不填 (optional)")
    wecom: WecomSettings

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def listen_address(self) -> tuple[str, int]:
        return split_address(self.listen)

    @property
    def worker_listen_address(self) -> tuple[str, int] | None:
        return split_address(self.worker_listen) if self.worker_listen else None


class SettingsFaults(Exception):
    """Every fault of the configuration at once. `str()` is what an operator reads before the exit code 2."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        lines = "\n".join(f"  {number}. {fault}" for number, fault in enumerate(faults, 1))
        super().__init__(f"配置有 {len(faults)} 处问题，服务没有启动 (the configuration has faults):\n{lines}")


def load_settings(environ: Mapping[str, str], env_file: Path | None = None) -> Settings:
    """Settings from a `.env` file and the environment (which wins). Raises `SettingsFaults` with all faults."""
    in_file, faults = read_env_file(env_file) if env_file else ({}, [])
    given = {name: value for name, value in in_file.items() if name.startswith(PREFIX)}
    given |= {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    values = dict(_resolve_files(given, faults))
    known = dict(setting_names())
    faults += [_unknown(name, known) for name in values if name not in known]
    nested: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known or value == "":
            continue
        if unusable := _unusable(value):
            faults.append(f"{name}: 格式不对 ({unusable})")
            continue
        _put(nested, known[name][0], value)
    # Present even when empty, so that its missing members are told one by one.
    nested.setdefault("wecom", {})
    try:
        settings = Settings.model_validate(nested)
    except ValidationError as error:
        told = {fault.partition(":")[0].removesuffix("_FILE") for fault in faults}
        explained = [_explain(fault["loc"], fault["type"], fault["msg"]) for fault in error.errors()]
        faults += [fault for fault in explained if fault.partition(":")[0] not in told]
        raise SettingsFaults(faults) from None
    if faults:
        raise SettingsFaults(faults)
    return settings


def setting_names() -> Iterator[tuple[str, tuple[tuple[str, ...], FieldInfo]]]:
    """Every environment name with its path and field, in the order of the classes."""
    for name, field in Settings.model_fields.items():
        if name != "wecom":
            yield f"{PREFIX}{name.upper()}", ((name,), field)
    for name, field in WecomSettings.model_fields.items():
        yield f"{PREFIX}WECOM_{name.upper()}", (("wecom", name), field)


def is_secret(field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation)


def _unusable(value: str) -> str:
    """What no setting may hold; the validators behind need not think of it."""
    if len(value) > LONGEST_VALUE:
        return f"longer than {LONGEST_VALUE} characters"
    if "\x00" in value:
        return "holds a NUL character"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "not UTF-8"
    return ""


def _resolve_files(given: dict[str, str], faults: list[str]) -> Iterator[tuple[str, str]]:
    """Replace `NAME_FILE` of a secret by the content of that file."""
    secrets = {f"{name}_FILE": name for name, (_, field) in setting_names() if is_secret(field)}
    for name, value in given.items():
        if name not in secrets:
            yield name, value
            continue
        if value == "":
            continue
        if secrets[name] in given:
            faults.append(f"{name}: 与 {secrets[name]} 只能填一个 (set one of the two)")
        try:
            content = read_small_file(Path(value)).strip()
        except FaultyFile as fault:
            faults.append(f"{name}: {fault}")
            continue
        if not content:
            faults.append(f"{name}: 文件 {shown(value)} 是空的 (the file is empty)")
        yield secrets[name], content


def _put(nested: dict[str, Any], path: tuple[str, ...], value: str) -> None:
    for part in path[:-1]:
        nested = nested.setdefault(part, {})
    nested[path[-1]] = value


def _unknown(name: str, known: Mapping[str, Any]) -> str:
    hint = f"；是否想写 {near}" if (near := _nearest(name, known)) else ""
    return f"{shown(name)}: 没有这个配置项 (unknown name){hint}"


def _nearest(name: str, known: Mapping[str, Any]) -> str | None:
    matches = get_close_matches(name, known, n=1, cutoff=0.8)
    return matches[0] if matches else None


def _explain(location: tuple[int | str, ...], kind: str, message: str) -> str:
    path = tuple(str(part) for part in location)
    name = PREFIX + "_".join(part.upper() for part in path)
    field = dict(setting_names()).get(name)
    what = "没有填 (missing)" if kind == "missing" else f"格式不对 ({message.removeprefix('Value error, ')})"
    where = f" —— {field[1].description}" if field and field[1].description else ""
    return f"{name}: {what}{where}"
