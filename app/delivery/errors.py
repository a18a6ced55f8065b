"""The errors of this package."""

from __future__ import annotations

from app.errors import Conflict, Invalid, NotFound, Unavailable


class DeliveryNotFound(NotFound):
    slug = "delivery-not-found"
    title = "没有这条投递记录"


class NothingToRetry(Conflict):
    """The message was sent already, or is still being sent."""

    slug = "nothing-to-retry"
    title = "现在不能重试"


class RecipientGone(Conflict):
    slug = "recipient-gone"
    title = "收件人没有企业微信账号"


class EmptyText(Invalid):
    """The platform refuses it (44004), and nobody would understand it."""

    slug = "empty-text"
    title = "消息没有内容"


class AppNotRegistered(Unavailable):
    """The installation has not been bound to an app: there is no agentid to send from."""

    slug = "app-not-registered"
    title = "尚未登记应用"
