"""Settings for tests: the credentials are those the sandbox has by default."""

from __future__ import annotations

from app.settings import Settings, load_settings
from sandbox.config import SandboxConfig


def sandbox_environment(config: SandboxConfig | None = None) -> dict[str, str]:
    """The `STEWARD_…` lines that make the service use a sandbox with this configuration."""
    config = config or SandboxConfig()
    return {
        "STEWARD_SECRET_KEY": "a-secret-key-for-tests-only-0123456789",
        "STEWARD_BOOTSTRAP_API_KEY": "test-key-with-every-scope-0123456789",
        "STEWARD_WECOM_API_BASE": "http://sandbox.test/cgi-bin",
        "STEWARD_WECOM_AUTHORIZE_URL": "http://sandbox.test/connect/oauth2/authorize",
        "STEWARD_WECOM_LOGIN_URL": "http://sandbox.test/wwlogin/sso/login",
        "STEWARD_WECOM_CORP_ID": config.corp_id,
        "STEWARD_WECOM_AGENT_ID": str(config.agent_id),
        "STEWARD_WECOM_APP_SECRET": config.app_secret,
        "STEWARD_WECOM_APP_TOKEN": config.app_token,
        "STEWARD_WECOM_APP_AES_KEY": config.app_aes_key,
        "STEWARD_WECOM_CONTACTS_SECRET": config.contacts_secret,
        "STEWARD_WECOM_CONTACTS_TOKEN": config.contacts_token,
        "STEWARD_WECOM_CONTACTS_AES_KEY": config.contacts_aes_key,
    }


def test_settings(**changes: str) -> Settings:
    """Settings with `STEWARD_` names given without the prefix, for example `TIMEZONE="UTC"`."""
    environment = sandbox_environment() | {f"STEWARD_{name}": value for name, value in changes.items()}
    return load_settings(environment)


test_settings.__test__ = False  # type: ignore[attr-defined]  # a builder, although its name starts with test
