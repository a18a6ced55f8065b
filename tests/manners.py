"""Whoever asks for `like` meets the platform twice: as its pages print it, and as its callers see it."""

from __future__ import annotations

from typing import cast

import pytest

from sandbox.config import Like

BOTH: tuple[Like, ...] = ("documentation", "observed")


@pytest.fixture(params=BOTH)
def like(request: pytest.FixtureRequest) -> Like:
    return cast("Like", request.param)
