"""What a sandbox is started with. Every number the platform documents can be changed here."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Channel = Literal["app", "contacts"]
ContactProfile = Literal["legacy_full", "post_2022_08"]
Like = Literal["documentation", "observed"]

AesKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{43}$")]
CallbackToken = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,32}$")]


class Limits(BaseModel):
    """The documented rate limits, by the names of the table in `sandbox/limits.py` (doc path/90312)."""

    model_config = ConfigDict(extra="forbid")

    api_per_minute: int = 10_000
    api_per_hour: int = 150_000
    ip_per_minute: int = 20_000
    ip_per_hour: int = 600_000
    debug_per_minute: int = 5
    contact_writes_per_minute: int | None = None
    """300 circulates in third-party notes; not confirmed, so not kept unless asked for."""
    concurrent_calls: int | None = None
    """Calls of one API under way at once, beyond which 45033 comes; the platform's number is not documented."""
    member_per_minute: int = 30
    member_per_hour: int = 1_000
    app_daily_factor: int = 200
    group_create_per_day: int = 1_000
    group_update_per_hour: int = 1_000
    group_send_per_minute: int = 20_000
    group_send_per_hour: int = 300_000
    """path/90248 says 150,000, 350,000 or 700,000 by the size of the company."""
    group_member_per_minute: int = 200
    group_member_per_day: int = 10_000
    webhook_per_minute: int = 20
    image_per_day: int = 1_000
    image_per_month: int = 3_000
    approval_per_minute: int = 600
    calendars_per_day: int = 10_000
    schedules_per_day: int = 10_000
    customer_group_transfers_per_day: int = 300
    """Groups of one departed owner, per new owner (doc path/92127)."""
    ticket_per_hour: int = 400
    ticket_per_hour_and_app: int = 100
    account_creation_factor: int = 3
    domain_changes_per_month: int = 20
    workbench_member_per_minute: int = 10
    workbench_people_per_minute: int = 100_000
    bad_secrets_per_hour: int = 2_000
    lookup_miss_percent: int = 20
    """Misses of `user/getuserid` beyond this share of the accounts block the lookup for a day."""


class Network(BaseModel):
    """How badly callbacks travel. The platform promises neither order nor delivery (doc path/90930)."""

    model_config = ConfigDict(extra="forbid")

    delay_seconds: float = 0.0
    """From the event to its delivery, by the sandbox's clock."""
    duplicates: int = 0
    """Further deliveries of each event, sealed anew."""
    duplicate_chance: float = Field(default=0.0, ge=0, le=1)
    """The share of events that come once more; the same ones for the same seed."""
    lose_every: int | None = Field(default=None, ge=1)
    """Every so manieth event is never sent; 1 loses all."""
    lose_chance: float = Field(default=0.0, ge=0, le=1)
    """The share of events that are never sent; the same ones for the same seed."""
    shuffle: bool = False
    """Take what is due in any order; needs a delay, so that something queues up."""


class ExtraApp(BaseModel):
    """A second self-built app of the same company, for what one app may not do to another's."""

    model_config = ConfigDict(extra="forbid")

    agent_id: int
    secret: str
    name: str = "另一个应用"
    created_after_2022: bool = True
    """Then `user/get` and `user/list` withhold personal fields from it."""


class SandboxConfig(BaseModel):
    """One company, its main app and its contacts-sync credential.

    Defaults are fixed values of the right shape, so that two programs started separately agree.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    like: Like = "documentation"
    """Whether answers are as the pages print them, or as callers see them: `sandbox/manners.py`."""
    unknown_endpoint_errcode: int = 40094
    """What a path answers that leads to no endpoint; not documented."""

    corp_id: str = "wwsandbox0000000001"
    company_name: str = "华信远景科技有限公司"
    agent_id: int = 1_000_002
    app_name: str = "企微管家"
    app_secret: str = "sandbox-app-secret-0000000000000000000000001"  # noqa: S105 - opens nothing but a sandbox
    app_token: CallbackToken = "SandboxAppToken01"  # noqa: S105 - opens nothing but a sandbox
    app_aes_key: AesKey = "SandboxAppAesKey000000000000000000000000001"
    contacts_secret: str = "sandbox-contacts-secret-00000000000000000001"  # noqa: S105 - opens nothing but a sandbox
    contacts_token: CallbackToken = "SandboxContactsToken01"  # noqa: S105 - opens nothing but a sandbox
    contacts_aes_key: AesKey = "SandboxContactsAesKey0000000000000000000001"
    extra_apps: list[ExtraApp] = Field(default_factory=list)

    approval_apps: list[int] | None = None
    """审批 → 可调用接口的应用, by agent id; None is the main app alone."""
    approval_enabled: bool = True
    approval_status_events: bool = True
    """The main app's 审批状态通知事件 switch."""
    approval_template_max: int = 1_000
    approval_list_most: int = 10_000
    """Beyond so many matches `oa/getapprovalinfo` asks to narrow the time (301112); the number is not documented."""

    customer_contact_secret: str = "sandbox-customer-secret-00000000000000000001"  # noqa: S105 - opens nothing but a sandbox
    customer_contact_apps: list[int] | None = None
    """客户联系 → 可调用接口的应用, by agent id; None is the main app alone."""
    customer_group_max: int = 200
    customer_group_lag_seconds: float = Field(default=0.0, ge=0)
    """How far `groupchat/get` is behind the event (doc path/92122)."""

    schedule_apps: list[int] | None = None
    """日程 → 可调用接口的应用, by agent id; None is the main app alone."""
    meeting_apps: list[int] | None = None
    """会议 → 可调用接口的应用, by agent id; None is the main app alone."""
    meeting_invitees_most: int = 100
    """100 for ordinary companies, 300 at most for those that pay (doc path/99104)."""

    app_callback_url: str | None = None
    contacts_callback_url: str | None = None
    callback_retries: int = 3
    """Attempts in all. Whether the platform means 3 or 1 + 3 is not documented (doc path/90930)."""
    callback_timeout_seconds: float = 5.0
    retry_on_non_200: bool = False
    retry_same_ciphertext: bool = False
    """Whether a retry repeats nonce and ciphertext is not documented."""
    callback_retry_seconds: float = Field(default=0.0, ge=0)
    """Between two attempts, by the sandbox's clock. Not documented; observed back to back."""
    callback_connections: int = Field(default=1, ge=1, le=1_000)
    """Callbacks under way at once per address; more than one gives up their order."""
    callback_network: Network = Field(default_factory=Network)
    callback_networks: dict[str, Network] = Field(default_factory=dict)
    """Instead of `callback_network` for one kind, by ChangeType, Event or MsgType: `{"delete_user": {…}}`."""

    contact_profile: ContactProfile = "post_2022_08"
    app_created_after_2022: bool = True
    app_close: bool = False
    app_home_url: str = ""
    app_has_mini_program: bool = False
    """Whether a mini program is bound to the app, without which `miniprogram_notice` is 48002."""
    app_redirect_domain: str = ""
    """可信域名 of the main app, with its port; empty trusts every host."""
    login_domains: list[str] = Field(default_factory=list)
    """授权回调域 of the desktop login, besides the trusted domain."""
    private_fields: list[str] = Field(
        default_factory=lambda: ["gender", "avatar", "qr_code", "mobile", "email", "biz_mail", "address"]
    )
    """What an administrator lets the app ask of members with `snsapi_privateinfo`."""
    trusted_ips: list[str] | None = None
    """企业可信IP, with `*` as a wildcard; None trusts everybody."""
    contacts_trusted_ips: list[str] | None = None
    """The contacts credential's own list; None means the one above."""
    trusted_ips_delay_seconds: float = Field(default=0.0, ge=0)
    """How long an edit of the lists takes to hold; about 60 on the platform."""
    legacy_contacts_ips: list[str] = Field(default_factory=list)
    """Addresses registered for the contacts credential before 2022-08-15: they still read details."""
    callback_ips: list[str] = Field(default_factory=lambda: ["127.0.0.1", "::1"])
    """What `getcallbackip` answers; may contain wildcards."""
    reject_unicode_escapes: bool = False

    people: int = Field(default=300, ge=10, le=200_000)
    departments: int | None = None
    """Departments besides the root; by default one for about twenty people."""
    seed: int = 1

    limits: bool = True
    limit_numbers: Limits = Field(default_factory=Limits)
    limit_windows: Literal["fixed", "sliding"] = "fixed"
    """Not documented. Fixed ones begin with the minute, the hour, the day in UTC+8."""
    account_limit: int | None = Field(default=None, ge=1)
    """账号上限, the base of some limits; by default the number of people."""
    latency_seconds: float = Field(default=0.0, ge=0)
    """How long every answer of the API takes."""
    token_seconds: int = 7_200
    job_seconds: float = Field(default=0.0, ge=0)
    """How long imports and exports take, by the sandbox's clock."""
    group_member_max: int = 2_000
    """Counts the app itself (doc path/90245)."""
    dismissed_group_errcode: Literal[49008, 86003, 40050] = 49008
    """What a dissolved group answers; not confirmed by the documentation."""
    duplicate_answer: Literal["full", "bare", "error"] = "full"
    """What a send suppressed by `enable_duplicate_check` answers; not documented."""
    duplicate_errcode: int = 45009
