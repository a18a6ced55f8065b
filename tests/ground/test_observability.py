"""No secret, token or signature reaches a log, whoever writes the line; a correlation id does."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app.observability import bound_correlation, configure_logging, current_correlation_id, get_logger


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**before)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_event_carries_its_fields_and_the_bound_correlation_id(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    with bound_correlation("abc12345"):
        get_logger().info("request.approved", request_id="7")
    (line,) = lines(capsys)
    assert (line["event"], line["request_id"], line["correlation_id"]) == ("request.approved", "7", "abc12345")


def test_a_library_that_logs_an_address_does_not_leak_its_token(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    logging.getLogger("some.library").warning("GET /cgi-bin/user/get?access_token=SECRET&userid=li failed")
    (line,) = lines(capsys)
    assert "SECRET" not in json.dumps(line)
    assert "userid=li" in line["event"]


def test_the_http_client_is_silent_at_info(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    logging.getLogger("httpx").info("HTTP Request: GET https://x/gettoken?corpsecret=SECRET")
    assert lines(capsys) == []


def test_nested_work_keeps_the_outer_id_afterwards() -> None:
    with bound_correlation("outer-123"):
        with bound_correlation("inner-123"):
            assert current_correlation_id() == "inner-123"
        assert current_correlation_id() == "outer-123"
