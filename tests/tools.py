"""Programs of the system that some tests drive: skipped where one is missing, a failure with SYSTEM_TOOLS=required."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

PLACES = ("/usr/sbin", "/sbin")


def tool(name: str) -> str:
    """The program's path."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *PLACES]))
    return found or _missing(name)


def postgres(name: str) -> str:
    """A program of the system's own PostgreSQL, which knows TLS; the embedded one does not."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return str(folders[-1] / name) if folders else _missing(f"PostgreSQL's {name}")


def _missing(name: str) -> str:
    if os.environ.get("SYSTEM_TOOLS") == "required":
        pytest.fail(f"{name} is missing, and SYSTEM_TOOLS=required")
    pytest.skip(f"{name} is not installed here")
