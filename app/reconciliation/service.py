"""Comparisons of groups with the platform, for others: `from app.reconciliation import service as reconciliation`."""

from __future__ import annotations

from app.reconciliation.jobs import request_reconciliation

__all__ = ["request_reconciliation"]
