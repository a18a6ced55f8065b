"""Clicks on cards and what the cards show afterwards, for the domains: `from app.cards import service as cards`."""

from __future__ import annotations

from app.cards.clicks import CardAction, Click, ClickedCard, record_click
from app.cards.many_clicks import CardAbsorb, Face, KnownClick, identify_clicks, record_clicks, whole_subjects
from app.cards.update_cards import update_cards, update_cards_only

__all__ = [
    "CardAbsorb",
    "CardAction",
    "Click",
    "ClickedCard",
    "Face",
    "KnownClick",
    "identify_clicks",
    "record_click",
    "record_clicks",
    "update_cards",
    "update_cards_only",
    "whole_subjects",
]
