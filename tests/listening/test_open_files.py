"""The soft limit of open files is raised as far as the system lets us; what does not fit under it is not held."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import resource
from listening.open_files import raise_limit, room_for
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, min(hard, {hard})))
print(room_for(1500), raise_limit(8192), resource.getrlimit(resource.RLIMIT_NOFILE)[0], room_for(1500))
"""


def under(hard: int) -> list[int]:
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(hard=hard)], capture_output=True, text=True, check=True)
    return [int(number) for number in done.stdout.split()]


def test_the_usual_limit_is_raised() -> None:
    assert under(4_096) == [800, 4_096, 4_096, 1_500]


def test_where_it_cannot_be_fewer_are_held() -> None:
    assert under(1_024) == [800, 1_024, 1_024, 800]
