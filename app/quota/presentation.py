"""Limits as REST shows them."""

from __future__ import annotations

from app.limits.report import BlockedPath, Report, Use
from app.quota.schemas import BlockOut, LimitOut, QuotaOut, SubjectOut


def quota(report: Report) -> QuotaOut:
    return QuotaOut(items=[limit(use) for use in report.limits], blocked=[_block(block) for block in report.blocked])


def limit(use: Use) -> LimitOut:
    counter, number = use.counter, use.number
    return LimitOut(
        key=use.limit.key,
        title=counter.title,
        title_en=counter.english,
        counts=counter.counts,
        per=counter.per,
        window=use.limit.span,
        most=number.most,
        share=number.share,
        allowed=number.allowed,
        silent=counter.is_silent,
        used=use.used,
        percent=use.percent,
        top=[SubjectOut(subject=subject.name or None, used=subject.used) for subject in use.top],
        lifted_until=number.lifted_until if use.is_lifted else None,
        blocked_until=use.blocked_until,
        waiting_calls=use.waiting_calls,
        waiting_people=use.waiting_people,
        full_at=use.full_at,
        cleared_at=use.cleared_at,
    )


def _block(block: BlockedPath) -> BlockOut:
    return BlockOut.model_validate(block, from_attributes=True)
