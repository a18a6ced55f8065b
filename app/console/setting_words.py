"""What each setting is for, in English. The Chinese stands with the setting itself, where its faults are told too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_APP: Final = "WeCom admin console → App Management → the app"
_RECEIVE: Final = f"{_APP} → Receive messages → Set API reception"
_SYNC: Final = "WeCom admin console → Security and Management → Tools → Contacts sync"
_ROTATING: Final = "the old value, only while rotating"

ENGLISH: Final[Mapping[str, str]] = {
    "STEWARD_DATABASE_URL": "postgresql://…; unset: an embedded PostgreSQL under DATA_DIR",
    "STEWARD_DATABASE_STATEMENT_TIMEOUT": "how long one statement may take, such as 5m (statement_timeout)",
    "STEWARD_DATABASE_LOCK_TIMEOUT": "how long to wait for a lock, longer than DATABASE_IDLE_TIMEOUT (lock_timeout)",
    "STEWARD_DATABASE_IDLE_TIMEOUT": (
        "after how long without a statement a transaction is ended, such as 1m (idle_in_transaction_session_timeout)"
    ),
    "STEWARD_DATABASE_KEEPALIVE": "after how long a silent connection is probed, such as 1m (tcp_keepalives_idle)",
    "STEWARD_TEST_DATABASE_URL": "for tests: a server to use instead of the embedded one",
    "STEWARD_DATA_DIR": "where the embedded database lives",
    "STEWARD_PUBLIC_URL": (
        "how WeCom and phones reach this service; unset: cards have no links and the app has no menu"
    ),
    "STEWARD_LISTEN": "host:port to listen at; IPv6 as [::]:8080",
    "STEWARD_WORKER_LISTEN": "where `steward worker` answers /healthz and /metrics; unset: nowhere",
    "STEWARD_LOG_FORMAT": "console or json",
    "STEWARD_TIMEZONE": "the company's time zone",
    "STEWARD_SYNC_INTERVAL": "how often the whole organisation is read, such as 30m or 6h",
    "STEWARD_CALLBACK_WINDOW": "how far a callback's time may be off, on either side, such as 5m",
    "STEWARD_SESSION_IDLE": "after how long without a visit people sign in again, such as 12h",
    "STEWARD_SESSION_LONGEST": "how long a sign-in lasts, however busy, such as 7d",
    "STEWARD_EVENTS_KEPT": "how long other services can read an event, such as 90d",
    "STEWARD_API_RATE": "most requests of a key in a minute, for each process; 0 is without a limit",
    "STEWARD_POLICY_FILE": "the policy document for the first start; unset: the default one",
    "STEWARD_SECRET_KEY": (
        "generate it and keep it safe: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
    ),
    "STEWARD_BOOTSTRAP_API_KEY": "an API key that may do everything, for the beginning; optional",
    "STEWARD_WECOM_API_BASE": (
        "the platform's API, without a trailing slash; changed only for a private deployment or the sandbox"
    ),
    "STEWARD_WECOM_AUTHORIZE_URL": ("web OAuth inside WeCom; changed only for a private deployment or the sandbox"),
    "STEWARD_WECOM_LOGIN_URL": ("sign-in on a computer; changed only for a private deployment or the sandbox"),
    "STEWARD_WECOM_DOMAIN_FILES": (
        "the ownership files of the trusted domain, WW_verify_….txt, with commas between them; optional"
    ),
    "STEWARD_WECOM_PROXY": "proxy on the way out; optional",
    "STEWARD_WECOM_CORP_ID": "WeCom admin console → My Company → Company Information → Company ID",
    "STEWARD_WECOM_AGENT_ID": f"{_APP} → AgentId",
    "STEWARD_WECOM_APP_SECRET": f"{_APP} → Secret",
    "STEWARD_WECOM_APP_TOKEN": f"{_RECEIVE} → Token",
    "STEWARD_WECOM_APP_AES_KEY": f"{_RECEIVE} → EncodingAESKey",
    "STEWARD_WECOM_CONTACTS_SECRET": f"{_SYNC} → Secret",
    "STEWARD_WECOM_CONTACTS_TOKEN": f"{_SYNC} → Event server → Token",
    "STEWARD_WECOM_CONTACTS_AES_KEY": f"{_SYNC} → Event server → EncodingAESKey",
    "STEWARD_WECOM_APP_PREVIOUS_TOKEN": _ROTATING,
    "STEWARD_WECOM_APP_PREVIOUS_AES_KEY": _ROTATING,
    "STEWARD_WECOM_CONTACTS_PREVIOUS_TOKEN": _ROTATING,
    "STEWARD_WECOM_CONTACTS_PREVIOUS_AES_KEY": _ROTATING,
}
"""By its name in the environment."""
