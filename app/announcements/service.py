"""The use cases: publish, confirm, chase, close, escalate."""

from __future__ import annotations

from app.announcements.confirm import BY_CARD, confirm, confirm_many
from app.announcements.escalation import ESCALATE, announcement_of, escalate, escalation_words
from app.announcements.final_list import list_words
from app.announcements.publishing.audience import AudienceWanted, is_for_everybody, measure_audience, name_audience
from app.announcements.publishing.publish import Draft, publish
from app.announcements.receipt_clock import start_clocks
from app.announcements.receipt_deadline import CHASE, DEADLINE, chase, chase_words, close
from app.announcements.rules import ReceiptState
from app.announcements.sheet import announcement_lines, announcement_sheet, receipt_lines, receipt_sheet
from app.announcements.shown.ahead import PublicationAhead, check_reach, look_ahead
from app.announcements.shown.followed import FollowedAnnouncement, ReceiptPage, Totals, follow, receipts_of, totals_of
from app.announcements.shown.lists import (
    ANNOUNCEMENTS_SORTED,
    AnnouncementLine,
    AnnouncementPage,
    announcements_seen,
    announcements_to,
    receipts_of_person,
)

__all__ = [
    "ANNOUNCEMENTS_SORTED",
    "BY_CARD",
    "CHASE",
    "DEADLINE",
    "ESCALATE",
    "AnnouncementLine",
    "AnnouncementPage",
    "AudienceWanted",
    "Draft",
    "FollowedAnnouncement",
    "PublicationAhead",
    "ReceiptPage",
    "ReceiptState",
    "Totals",
    "announcement_lines",
    "announcement_of",
    "announcement_sheet",
    "announcements_seen",
    "announcements_to",
    "chase",
    "chase_words",
    "check_reach",
    "close",
    "confirm",
    "confirm_many",
    "escalate",
    "escalation_words",
    "follow",
    "is_for_everybody",
    "list_words",
    "look_ahead",
    "measure_audience",
    "name_audience",
    "publish",
    "receipt_lines",
    "receipt_sheet",
    "receipts_of",
    "receipts_of_person",
    "start_clocks",
    "totals_of",
]
