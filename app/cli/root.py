"""The command tree."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from app.cli import audit, callbacks, deliveries, demo, doctor, jobs, keeping, keys, org, policy, quota, sandbox, server

app = typer.Typer(
    name="steward",
    help="企微管家 (wecom-steward): 企业微信的回调、组织架构、群制度、审批、通知与任务。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def root(
    show_version: Annotated[bool, typer.Option("--version", is_eager=True, help="显示版本。")] = False,
) -> None:
    if show_version:
        typer.echo(f"wecom-steward {version('wecom-steward')}")
        raise typer.Exit


for command, function in (
    ("run", server.run),
    ("serve", server.serve),
    ("worker", server.worker),
    ("sync", org.sync),
    ("demo", demo.demo),
    ("doctor", doctor.doctor),
    ("backup", keeping.backup),
    ("restore", keeping.restore),
):
    app.command(command)(function)

# `-1` is a revision, not an option.
app.command("migrate", context_settings={"ignore_unknown_options": True})(server.migrate)
app.add_typer(policy.app, name="policy")
app.add_typer(keys.app, name="api-key")
app.add_typer(callbacks.app, name="callbacks")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(jobs.app, name="jobs")
app.add_typer(audit.app, name="audit")
app.add_typer(quota.app, name="quota")
app.add_typer(keeping.secret_key, name="secret-key")
app.command("sandbox", add_help_option=False, context_settings=sandbox.PASS_ON)(sandbox.sandbox)


def main() -> None:
    app()
