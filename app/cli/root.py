"""The command tree."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from app.cli import (
    access,
    audit,
    callbacks,
    deliveries,
    demo,
    doctor,
    jobs,
    keeping,
    keys,
    menu,
    org,
    people,
    policy,
    quota,
    sandbox,
    server,
)
from app.cli.session import CONFIGURATION_FAULT, explain, is_full

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
    ("menu", menu.menu),
    ("demo", demo.demo),
    ("doctor", doctor.doctor),
    ("backup", keeping.backup),
    ("restore", keeping.restore),
):
    app.command(command)(function)

# `-1` is a revision, not an option.
app.command("migrate", context_settings={"ignore_unknown_options": True})(server.migrate)
app.add_typer(policy.app, name="policy")
app.add_typer(people.app, name="people")
app.add_typer(keys.app, name="api-key")
app.add_typer(access.app, name="access")
app.add_typer(callbacks.app, name="callbacks")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(jobs.app, name="jobs")
app.add_typer(audit.app, name="audit")
app.add_typer(quota.app, name="quota")
app.add_typer(keeping.secret_key, name="secret-key")
app.command("sandbox", add_help_option=False, context_settings=sandbox.PASS_ON)(sandbox.sandbox)


def main() -> None:
    """What a wrong setting or a full disk causes ends in a sentence, not in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot print Chinese shows question marks.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if broken := [argument for argument in sys.argv[1:] if not _is_text(argument)]:
        shown = broken[0].encode(errors="backslashreplace").decode()
        typer.echo(f"参数不是 UTF-8 编码的文字，请检查终端的编码：{shown} (an argument is not UTF-8)", err=True)
        sys.exit(CONFIGURATION_FAULT)
    try:
        app()
    except OSError as error:
        if not is_full(error):
            raise
        _end_without_room(explain(error))


def _is_text(argument: str) -> bool:
    """Bytes that are no UTF-8 arrive as halves of characters, which no column holds."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _end_without_room(sentence: str) -> NoReturn:
    """What could not be written must not be tried again when the interpreter ends."""
    with suppress(OSError):
        sys.stderr.write(f"{sentence}\n")
        sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    sys.exit(CONFIGURATION_FAULT)
