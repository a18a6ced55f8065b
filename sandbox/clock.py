"""One clock for the whole sandbox, which tests can put forward: everything that waits, waits by it."""

import asyncio
import time


class Clock:
    """Real time plus an offset. Whoever sleeps by it wakes when the time has come, or is put forward to it."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._sleepers: set[asyncio.Event] = set()

    @property
    def offset(self) -> float:
        return self._offset

    @offset.setter
    def offset(self, seconds: float) -> None:
        self._offset = seconds
        self.stir()

    def now(self) -> float:
        return time.time() + self._offset

    async def sleep_until(self, at: float) -> None:
        while self.now() < at:
            await self.pause(at)

    async def pause(self, until: float) -> None:
        """Sleep until then, or until somebody stirs, whichever is first."""
        stirred = asyncio.Event()
        self._sleepers.add(stirred)
        try:
            async with asyncio.timeout(max(0.0, until - self.now())):
                await stirred.wait()
        except TimeoutError:
            return
        finally:
            self._sleepers.discard(stirred)

    def stir(self) -> None:
        """Let everybody who sleeps look again at what they wait for."""
        for stirred in self._sleepers:
            stirred.set()
