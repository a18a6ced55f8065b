"""What the sync refuses."""

from __future__ import annotations

from app.errors import Conflict, NotFound


class SyncRunUnknown(NotFound):
    slug = "sync-run-not-found"
    title = "找不到该次同步"


class SyncAlreadyRunning(Conflict):
    """One run at a time (F32)."""

    slug = "sync-already-running"
    title = "已有同步正在进行"


class SyncRunNotHeld(Conflict):
    """Only a held run can be released or rejected."""

    slug = "sync-run-not-held"
    title = "该次同步没有待放行的变更"


class StagedRowsGone(Conflict):
    """The staged rows of the run are gone: compared with nothing, everybody would be missing."""

    slug = "sync-run-rows-gone"
    title = "该次同步读取的数据已不完整"


class RunLost(Exception):
    """Another worker took this run over, or it has ended: stop and write nothing."""
