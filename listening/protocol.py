"""HTTP/1.1 of uvicorn, with what it leaves open.

uvicorn and its parser set no limit to the head of a request and no time for it, wait for a body or a reader without
end, and drop the body of a request that offers another protocol beside (`Upgrade: h2c`). Here:

* a head holds at most 64 KiB (431) and is there within 10 seconds (408); who says nothing at all is cut off then;
* the whole request is there within a minute (408), and an answer is taken within a minute;
* an offer to change the protocol is declined as RFC 9110, 7.8, wants it: the request is answered as if the offer were
  not in it.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD: Final = 64 * 1024

_BETWEEN: Final = 4  # `: ` and the end of the line
_OFFERS: Final = frozenset({b"upgrade", b"http2-settings"})


class HeadTooLarge(Exception):
    """Raised inside the parser's callbacks, which is how they end a request."""


class BoundedHttp(HttpToolsProtocol):
    """One connection. For `uvicorn.Config(http=BoundedHttp)`."""

    HEAD_SECONDS: ClassVar[float] = 10.0
    REQUEST_SECONDS: ClassVar[float] = 60.0
    READER_SECONDS: ClassVar[float] = 60.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unread = 0
        """Bytes since the last that belonged to a body: heads, and whatever else is no content."""
        self._is_arriving = False
        """Between the first byte of a request and its last."""
        self._has_head = False
        self._is_declining = False
        self._deadline: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------------ the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_at_most(self.HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_waiting()
        self._end_reading()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        had_head = self._has_head
        self._unset_keepalive_if_required()
        self._unread += len(data)
        try:
            self._feed(data)
        except HeadTooLarge:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST)
        if self.transport.is_closing():
            return
        if self._unread > LARGEST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            self._set_time(had_head=had_head)

    def _feed(self, data: bytes) -> None:
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                if not self._is_declining:
                    # A websocket that the configuration allows, or CONNECT, which has been answered.
                    if self._should_upgrade():
                        self.handle_websocket_upgrade()
                    return
                data = self._without_offer() + data[offer.args[0] :]
            except httptools.HttpParserCallbackError as error:
                if isinstance(error.__context__, HeadTooLarge):
                    raise error.__context__ from None
                raise
            else:
                return

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self._wait_for_reader()
        if not self._is_arriving:
            # From here on uvicorn's own time for a connection that is kept counts.
            self._end_waiting()

    # ------------------------------------------------------------------ the head

    def on_message_begin(self) -> None:
        self._is_arriving, self._has_head = True, False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_head:  # what follows a body in chunks is read by nobody
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._unread > LARGEST_HEAD and self._head_size() > LARGEST_HEAD:
            raise HeadTooLarge
        if self._offers_another_protocol():
            self._is_declining = True
            return
        self._has_head = True
        self._unread = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._is_declining:
            self._unread = 0
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._is_declining:
            self._unread = 0
            self._is_arriving = self._has_head = False
            super().on_message_complete()

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + _BETWEEN for name, value in self.headers)

    # ------------------------------------------------------------------ another protocol

    def _offers_another_protocol(self) -> bool:
        if not self.parser.should_upgrade() or self._should_upgrade():
            return False
        return any(name == b"upgrade" for name, _ in self.headers)

    def _without_offer(self) -> bytes:
        """The head once more, for a parser that has not seen the offer: after one it takes no body."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        head = [method, b" ", self.url, b" HTTP/", version, b"\r\n"]
        for name, value in self.headers:
            kept = value
            if name == b"connection":
                kept = b",".join(word for word in value.split(b",") if word.strip().lower() not in _OFFERS)
            if kept and name not in _OFFERS:
                head += [name, b": ", kept, b"\r\n"]
        head.append(b"\r\n")
        self._is_declining = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
        return b"".join(head)

    # ------------------------------------------------------------------ times

    def _set_time(self, *, had_head: bool) -> None:
        if self._is_arriving:
            if self._has_head and not had_head:
                self._end_waiting()
            self._wait_at_most(self.REQUEST_SECONDS if self._has_head else self.HEAD_SECONDS)
        elif self.cycle is not None and not self.cycle.response_complete:
            self._end_waiting()
        else:
            # Blank lines between two requests are no request, and start no new time.
            self._wait_at_most(self.HEAD_SECONDS)

    def _wait_at_most(self, seconds: float) -> None:
        """What is waited for already keeps its time: a byte now and then does not lengthen it."""
        if self._deadline is None:
            self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _end_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self._is_arriving:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        self._end_reading()
        super().resume_writing()

    def _wait_for_reader(self) -> None:
        if self._reading is None:
            self._reading = self.loop.call_later(self.READER_SECONDS, self._reader_is_gone)

    def _end_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _reader_is_gone(self) -> None:
        self._reading = None
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    # ------------------------------------------------------------------ refusing

    def _refuse(self, status: HTTPStatus) -> None:
        """Said where it is this request's turn to be answered; the connection ends in any case."""
        if self.transport.is_closing():
            return
        is_in_turn = self.cycle is None or (
            not self.cycle.response_started if self._has_head else self.cycle.response_complete
        )
        if is_in_turn:
            said = status.phrase.encode()
            self.transport.write(
                b"HTTP/1.1 %d %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
                b"connection: close\r\n\r\n%b" % (status, said, len(said), said)
            )
        self.transport.close()
        self._wait_for_reader()
