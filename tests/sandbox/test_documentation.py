"""docs/sandbox.md cannot rot: what it shows is run, and what it lists is complete."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.app import create_app
from sandbox.config import Limits, SandboxConfig
from sandbox.control.platform import CHANGEABLE
from sandbox.faults import Fault

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
START = re.search(r"^python -m sandbox (.*)$", TEXT, re.MULTILINE)
API_PORT, RECEIVER_PORT = "8901", "9000"

# Whatever HTTP or the platform refuses ends the script, as it would disappoint a reader.
CAREFUL = r"""
set -euo pipefail
curl() {
    local answer
    answer=$(command curl --fail-with-body "$@") || { echo "refused: $answer" >&2; exit 1; }
    if [[ "$*" == *cgi-bin* && "$answer" == *'"errcode":'[1-9]* ]]; then echo "refused: $answer" >&2; exit 1; fi
    printf '%s\n' "$answer"
}
"""


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def _accepts(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


@contextmanager
def program(*command: str, ready: str) -> Iterator[None]:
    """A program that is up once its port accepts."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            while not _accepts(ready):
                assert process.poll() is None, "the program ended"
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, str]]:
    """The sandbox as the page starts it, with other ports in place of those written there."""
    assert START is not None
    ports = {API_PORT: free_port(), RECEIVER_PORT: free_port()}
    start = (sys.executable, "-m", "sandbox", *START[1].split(), "--listen", f"127.0.0.1:{ports[API_PORT]}")
    with program(*start, ready=ports[API_PORT]):
        yield ports


def moved(example: str, ports: dict[str, str]) -> str:
    return re.sub(rf"\b({API_PORT}|{RECEIVER_PORT})\b", lambda port: ports[port[1]], example)


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


SERVERS = [example for example in examples("python") if "serve_forever" in example]
PROGRAMS = [example for example in examples("python") if example not in SERVERS]


ABOUT = {
    "platform": "the platform: overview, configuration, callbacks, calls, faults, limits, clock",
    "people": "people and their phones",
    "organisation": "departments, tags, ranges, licences",
    "groups": "groups, as people change them",
    "robots": "robots in groups",
    "sign-in": "who signs in, without a browser",
    "approvals": "审批 on phones and in the console",
    "customers": "customers and customer groups",
    "schedules": "calendars, to-dos, meetings",
}


def scripting_table() -> list[str]:
    """The rows of the page's table, from the program itself."""
    rows: dict[str, list[str]] = {tag: [] for tag in ABOUT}
    for path, ways in create_app(SandboxConfig(people=10)).openapi()["paths"].items():
        tag = next(iter(ways.values())).get("tags", ["platform"])[0]
        shown = f"`{' '.join(sorted(map(str.upper, ways)))} {path.removeprefix('/sandbox') or '/'}`"
        rows.setdefault(tag, []).append(shown)
    return [f"| {ABOUT.get(tag, tag)} | {' · '.join(found)} |" for tag, found in rows.items() if found]


SUBJECTS = {
    "how it answers": "like unknown_endpoint_errcode",
    "the company and its credentials": (
        "corp_id company_name agent_id app_name app_secret app_token app_aes_key contacts_secret contacts_token "
        "contacts_aes_key customer_contact_secret extra_apps people departments seed account_limit"
    ),
    "callbacks": (
        "app_callback_url contacts_callback_url callback_retries callback_timeout_seconds callback_retry_seconds "
        "retry_on_non_200 retry_same_ciphertext callback_connections callback_network callback_networks callback_ips"
    ),
    "who may call what": (
        "contact_profile app_created_after_2022 trusted_ips contacts_trusted_ips trusted_ips_delay_seconds "
        "legacy_contacts_ips approval_apps customer_contact_apps schedule_apps meeting_apps reject_unicode_escapes"
    ),
    "the app": (
        "app_close app_home_url app_has_mini_program app_redirect_domain login_domains private_fields "
        "duplicate_answer duplicate_errcode"
    ),
    "limits and time": "limits limit_numbers limit_windows latency_seconds token_seconds job_seconds",
    "groups": "group_member_max dismissed_group_errcode customer_group_max customer_group_lag_seconds",
    "审批, 会议": (
        "approval_enabled approval_status_events approval_template_max approval_list_most meeting_invitees_most"
    ),
}


def settings_table() -> list[str]:
    """The rows of the page's table of settings; in italics what can be changed while running."""
    sorted_in = {name: subject for subject, names in SUBJECTS.items() for name in names.split()}
    rows: dict[str, list[str]] = {subject: [] for subject in SUBJECTS}
    for name in SandboxConfig.model_fields:
        shown = f"*`{name}`*" if name in CHANGEABLE else f"`{name}`"
        rows.setdefault(sorted_in.get(name, "other"), []).append(shown)
    return [f"| {subject} | {' · '.join(names)} |" for subject, names in rows.items() if names]


class TestExamples:
    @pytest.mark.parametrize("example", PROGRAMS, ids=["wechatpy", "over-http", "in-process"])
    def test_python(self, example: str, ports: dict[str, str]) -> None:
        run(sys.executable, "-c", moved(example, ports))

    @pytest.mark.skipif(
        not (shutil.which("curl") and shutil.which("bash")) and "BROWSER_TESTS" not in os.environ,
        reason="the examples for the shell need curl and bash",
    )
    def test_shell_from_the_first_line_to_the_last_with_the_receiver_of_the_page(self, ports: dict[str, str]) -> None:
        (server,) = SERVERS
        script = moved(CAREFUL + "\n".join(examples("bash")), ports)
        with program(sys.executable, "-c", moved(server, ports), ready=ports[RECEIVER_PORT]):
            said = run("bash", "-c", script)
        assert '"name":"李莹霞"' in said
        assert "template_card_event" in said
        assert '"statuses":[200]' in said.replace(" ", "")


class TestCompleteness:
    def test_every_address_of_the_scripting_interface_is_listed(self) -> None:
        missing = [row for row in scripting_table() if row not in TEXT]
        assert missing == [], "print the rows with: python -m tests.sandbox.test_documentation"

    def test_every_setting_is_listed(self) -> None:
        missing = [row for row in settings_table() if row not in TEXT]
        assert missing == [], "print the rows with: python -m tests.sandbox.test_documentation"

    def test_every_way_of_going_wrong_is_named(self) -> None:
        faults = TEXT.split("## Faults, limits, the clock")[1].split("```")[0]
        assert [
            name
            for name in Fault.model_fields
            if f"`{name}`" not in faults and name not in {"seed", "when", "endpoint"}
        ] == []

    def test_credentials_on_the_page_are_the_real_ones(self) -> None:
        config = SandboxConfig()
        values = (config.corp_id, config.agent_id, config.app_secret, config.contacts_secret, config.app_token)
        for value in (*values, config.app_aes_key, config.contacts_token, config.contacts_aes_key):
            assert f"`{value}`" in TEXT

    def test_settings_named_on_the_page_exist(self) -> None:
        table = TEXT.split("## Where the platform is silent")[1].split("##")[0]
        for name in re.findall(r"\| `([\w.]+)` \|$", table, re.MULTILINE):
            field, _dot, number = name.partition(".")
            assert field in SandboxConfig.model_fields
            assert not number or number in Limits.model_fields


if __name__ == "__main__":
    sys.stdout.write("\n".join([*scripting_table(), "", *settings_table()]) + "\n")
