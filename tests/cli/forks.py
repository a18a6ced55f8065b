"""Runs `steward` in forks of a process that has imported it: each is a process of its own, three seconds earlier there.

What a fork finds is what a new process finds: its folder, its environment, its arguments, two pipes, no input. Its end
is an interpreter's. Tests that stop, freeze or limit a process start a real one (`Steward.start`).
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

LARGEST_ORDER = 128 * 1024


def serve(door: socket.socket) -> None:
    """Fork for each order, until the tests that give them are gone. Returns in the forks alone, and at the end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for who waits for `steward`
    while True:
        order, pipes, _, _ = socket.recv_fds(door, LARGEST_ORDER, 3)
        if not order:
            sys.exit()
        if os.fork() == 0:
            door.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _carry_out(json.loads(order), *pipes)
        for pipe in pipes:
            os.close(pipe)


def _carry_out(order: dict[str, object], out: int, err: int, end: int) -> None:
    """Wait for the fork that becomes `steward`, and tell its exit code. Returns in that fork alone."""
    runner = os.fork()
    if runner == 0:
        os.close(end)
        return _become(order, out, err)
    os.close(out)
    os.close(err)
    os.write(end, f"{runner}\n".encode())
    _, status = os.waitpid(runner, 0)
    with contextlib.suppress(BrokenPipeError):
        os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(order: dict[str, object], out: int, err: int) -> None:
    for pipe, number in ((out, 1), (err, 2)):
        os.dup2(pipe, number)
        os.close(pipe)
    os.chdir(str(order["folder"]))
    environment, arguments = order["environment"], order["arguments"]
    assert isinstance(environment, dict)
    assert isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments


@cache
def _door() -> socket.socket:
    """To the process that forks. It ends when this one does, because nobody holds the other end then."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.forks", str(theirs.fileno())],
            cwd=Path(__file__).parents[2],
            env={"PATH": os.environ["PATH"]},
            pass_fds=[theirs.fileno()],
            # What the interpreter makes of its streams, it makes of these: no input, and pipes that a fork replaces.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def close() -> None:
        ours.close()
        process.communicate()

    atexit.register(close)
    return ours


async def run(
    arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], seconds: float
) -> tuple[int, bytes, bytes]:
    """Exit code, output, errors. Raises `TimeoutError`, and leaves nothing running."""
    order = {"arguments": list(arguments), "folder": str(folder), "environment": dict(environment)}
    pipes = [os.pipe() for _ in range(3)]
    try:
        socket.send_fds(_door(), [json.dumps(order).encode()], [write for _, write in pipes])
    finally:
        for _, write in pipes:
            os.close(write)
    out, err, end = (os.fdopen(read, "rb") for read, _ in pipes)
    with out, err, end:
        number = int(await asyncio.to_thread(end.readline))
        reading = asyncio.gather(*(asyncio.to_thread(pipe.read) for pipe in (out, err, end)))
        try:
            said, complained, code = await asyncio.wait_for(asyncio.shield(reading), seconds)
        except TimeoutError:
            os.kill(number, signal.SIGKILL)
            await reading
            raise
    return int(code), said, complained


if __name__ == "__main__":
    from app.cli.root import main

    serve(socket.socket(fileno=int(sys.argv[1])))
    main()
