"""A start with something missing or malformed lists all faults at once, each with where to find the value."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings, SettingsFaults, load_settings, setting_names
from tests.fakes.environment import sandbox_environment


def faults_of(environment: dict[str, str], env_file: Path | None = None) -> list[str]:
    with pytest.raises(SettingsFaults) as refused:
        load_settings(environment, env_file)
    return refused.value.faults


class TestFaults:
    def test_everything_missing_is_told_at_once(self) -> None:
        faults = faults_of({})
        named = {fault.split(":")[0] for fault in faults}
        assert named == {
            "STEWARD_SECRET_KEY",
            "STEWARD_WECOM_CORP_ID",
            "STEWARD_WECOM_AGENT_ID",
            "STEWARD_WECOM_APP_SECRET",
            "STEWARD_WECOM_APP_TOKEN",
            "STEWARD_WECOM_APP_AES_KEY",
            "STEWARD_WECOM_CONTACTS_SECRET",
            "STEWARD_WECOM_CONTACTS_TOKEN",
            "STEWARD_WECOM_CONTACTS_AES_KEY",
        }

    def test_each_names_the_page_of_the_console_where_the_value_stands(self) -> None:
        for fault in faults_of({"STEWARD_SECRET_KEY": "x" * 40}):
            assert "企业微信管理后台" in fault

    def test_missing_malformed_and_unknown_are_told_together(self) -> None:
        environment = sandbox_environment()
        del environment["STEWARD_WECOM_APP_SECRET"]
        environment |= {"STEWARD_WECOM_APP_AES_KEY": "short", "STEWARD_TIMEZON": "UTC"}
        faults = "\n".join(faults_of(environment))
        assert "STEWARD_WECOM_APP_SECRET: 没有填" in faults
        assert "STEWARD_WECOM_APP_AES_KEY: 格式不对 (must be exactly 43 letters and digits)" in faults
        assert "STEWARD_TIMEZON: 没有这个配置项 (unknown name)；是否想写 STEWARD_TIMEZONE" in faults

    def test_no_secret_value_is_repeated_in_a_fault(self) -> None:
        environment = sandbox_environment() | {"STEWARD_WECOM_APP_AES_KEY": "this-is-my-secret"}
        assert "this-is-my-secret" not in "\n".join(faults_of(environment))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("DATABASE_URL", "mysql://localhost/x"),
            ("LISTEN", "8080"),
            ("TIMEZONE", "Mars/Olympus"),
            ("SYNC_INTERVAL", "often"),
            ("CALLBACK_WINDOW", "0s"),
            ("WECOM_AGENT_ID", "seven"),
            ("WECOM_API_BASE", "qyapi.weixin.qq.com"),
            ("SECRET_KEY", "too short"),
            ("LOG_FORMAT", "xml"),
            ("LISTEN", "::1:8080"),
            ("WORKER_LISTEN", "127.0.0.1:70000"),
            ("PUBLIC_URL", "https://steward.example.com/?from=wecom"),
            ("PUBLIC_URL", f"https://steward.example.com/{'x' * 900}"),
        ],
    )
    def test_a_malformed_value_is_refused_by_its_name(self, name: str, value: str) -> None:
        (fault,) = faults_of(sandbox_environment() | {f"STEWARD_{name}": value})
        assert fault.startswith(f"STEWARD_{name}: 格式不对")


class TestSources:
    def test_names_of_others_are_ignored(self) -> None:
        load_settings(sandbox_environment() | {"PATH": "/bin", "WECOM_CORP_ID": "other"})

    def test_an_unknown_name_in_the_file_is_refused_too(self, tmp_path: Path) -> None:
        file = tmp_path / ".env"
        file.write_text("STEWARD_NONSENSE=1\nOTHER=2\n", encoding="utf-8")
        (fault,) = faults_of(sandbox_environment(), file)
        assert fault.startswith("STEWARD_NONSENSE")

    def test_the_environment_wins_over_the_file(self, tmp_path: Path) -> None:
        file = tmp_path / ".env"
        file.write_text("STEWARD_TIMEZONE=UTC\nSTEWARD_SYNC_INTERVAL=90s\n", encoding="utf-8")
        settings = load_settings(sandbox_environment() | {"STEWARD_SYNC_INTERVAL": "2h"}, file)
        assert settings.timezone == "UTC"
        assert settings.sync_interval == timedelta(hours=2)

    def test_a_secret_may_come_from_a_file_of_its_own(self, tmp_path: Path) -> None:
        file = tmp_path / "app_secret"
        file.write_text("from-a-mounted-file\n", encoding="utf-8")
        environment = sandbox_environment() | {"STEWARD_WECOM_APP_SECRET_FILE": str(file)}
        del environment["STEWARD_WECOM_APP_SECRET"]
        assert load_settings(environment).wecom.app_secret.get_secret_value() == "from-a-mounted-file"

    def test_a_secret_given_twice_is_a_fault(self, tmp_path: Path) -> None:
        file = tmp_path / "app_secret"
        file.write_text("from-a-mounted-file", encoding="utf-8")
        (fault,) = faults_of(sandbox_environment() | {"STEWARD_WECOM_APP_SECRET_FILE": str(file)})
        assert "只能填一个" in fault

    def test_an_unreadable_secret_file_is_a_fault_that_names_it(self) -> None:
        environment = sandbox_environment() | {"STEWARD_WECOM_APP_SECRET_FILE": "/nowhere/secret"}
        del environment["STEWARD_WECOM_APP_SECRET"]
        assert "读不到文件 /nowhere/secret" in faults_of(environment)[0]


class TestSettings:
    def test_ipv6_is_listened_on_too(self) -> None:
        environment = sandbox_environment() | {"STEWARD_LISTEN": "[::]:8080", "STEWARD_WORKER_LISTEN": "[::1]:0"}
        settings = load_settings(environment)
        assert settings.listen_address == ("::", 8080)
        assert settings.worker_listen_address == ("::1", 0)

    def test_they_are_frozen(self, settings: Settings) -> None:
        with pytest.raises(ValidationError):
            settings.listen = "0.0.0.0:80"  # type: ignore[misc]  # the point of the test

    def test_secrets_do_not_show_in_their_representation(self, settings: Settings) -> None:
        for secret in (settings.wecom.app_secret, settings.secret_key, settings.wecom.app_aes_key):
            assert secret.get_secret_value() not in repr(settings)

    def test_every_name_of_the_documented_interface_exists(self) -> None:
        documented = {
            "DATABASE_URL", "TEST_DATABASE_URL", "DATA_DIR", "PUBLIC_URL", "LISTEN", "LOG_FORMAT", "TIMEZONE",
            "SYNC_INTERVAL", "CALLBACK_WINDOW", "WECOM_API_BASE", "WECOM_PROXY", "WECOM_CORP_ID", "WECOM_AGENT_ID",
            "WECOM_APP_SECRET", "WECOM_APP_TOKEN", "WECOM_APP_AES_KEY", "WECOM_CONTACTS_SECRET",
            "WECOM_CONTACTS_TOKEN", "WECOM_CONTACTS_AES_KEY", "WECOM_APP_PREVIOUS_TOKEN",
            "WECOM_APP_PREVIOUS_AES_KEY", "WECOM_CONTACTS_PREVIOUS_TOKEN", "WECOM_CONTACTS_PREVIOUS_AES_KEY",
            "POLICY_FILE", "SECRET_KEY", "BOOTSTRAP_API_KEY",
            "WORKER_LISTEN", "EVENTS_KEPT", "DATABASE_STATEMENT_TIMEOUT", "DATABASE_LOCK_TIMEOUT",
            "DATABASE_IDLE_TIMEOUT", "DATABASE_KEEPALIVE", "API_RATE",
            "SESSION_IDLE", "SESSION_LONGEST", "WECOM_AUTHORIZE_URL", "WECOM_LOGIN_URL", "WECOM_DOMAIN_FILES",
        }  # fmt: skip
        assert {name.removeprefix("STEWARD_") for name, _ in setting_names()} == documented


class TestExample:
    """`.env.example` explains every setting, and works with the sandbox as it stands."""

    EXAMPLE = Path(__file__).parents[2] / ".env.example"

    def test_it_names_exactly_the_settings_that_exist(self) -> None:
        text = self.EXAMPLE.read_text(encoding="utf-8")
        named = re.findall(r"^(?:# )?(STEWARD_[A-Z_]+)=", text, re.MULTILINE)
        assert sorted(named) == sorted(name for name, _ in setting_names())

    def test_it_is_a_valid_configuration(self) -> None:
        assert load_settings({}, self.EXAMPLE).wecom.corp_id == "wwsandbox0000000001"
