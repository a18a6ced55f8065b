"""A disk so small that a test can fill it: a file system in memory, mounted where the database's files will lie."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SIZE = "1200m"
"""Room for a cluster and the log of a story that is much repeated."""
BLOCK = 1 << 20

WHY_NOT = "full disk: not possible here, it needs root and the right to mount a file system"


@dataclass(frozen=True)
class SmallDisk:
    place: Path

    @property
    def _ballast(self) -> Path:
        return self.place / "ballast"

    def fill(self) -> None:
        """Every byte that is free now, in large pieces and then in small ones."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for piece in (BLOCK, 4096, 1):
                try:
                    while ballast.write(b"x" * piece) == piece:
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(place: Path) -> Iterator[SmallDisk | None]:
    """None where nobody may mount here: say `WHY_NOT` then."""
    if not _mounted(place):
        yield None
        return
    try:
        yield SmallDisk(place)
    finally:
        # Lazily: a process that was stopped may still have a file open.
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _mounted(place: Path) -> bool:
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        return False
    place.mkdir(parents=True, exist_ok=True)
    asked = [mount, "-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "tmpfs", str(place)]
    with contextlib.suppress(OSError):
        return subprocess.run(asked, check=False, capture_output=True).returncode == 0
    return False
