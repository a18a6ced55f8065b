"""What the platform hands out to prove something later: login codes, user tickets, JS-SDK tickets."""

from dataclasses import dataclass, field

ME = "sandbox_userid"
"""Whose client a browser plays: a cookie that opening a phone sets, or a parameter of the login pages."""


@dataclass
class LoginCode:
    """`serial` is None for somebody who is no member, known by an openid alone."""

    agent_id: int | None
    serial: int | None
    expires_at: float
    fields: tuple[str, ...] | None = None
    """The fields agreed to; None when the scope did not ask."""
    openid: str = ""
    external_userid: str = ""
    used: bool = False


@dataclass
class UserTicket:
    agent_id: int
    serial: int
    fields: tuple[str, ...]
    expires_at: float


@dataclass
class TfaCode:
    userid: str
    expires_at: float


@dataclass
class SignIns:
    codes: dict[str, LoginCode] = field(default_factory=dict)
    tickets: dict[str, UserTicket] = field(default_factory=dict)
    tfa: dict[str, TfaCode] = field(default_factory=dict)


@dataclass
class Ticket:
    """For the JS-SDK, of the company or of one app."""

    value: str
    expires_at: float
