"""One clock for the whole sandbox, which tests can put forward."""

import time
from dataclasses import dataclass


@dataclass
class Clock:
    offset: float = 0.0

    def now(self) -> float:
        return time.time() + self.offset
