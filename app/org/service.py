"""People whose userids change, for others: linked to a former colleague, or kept apart (D17)."""

from __future__ import annotations

from app.org.identity import link_former, link_userid, separate_userid

__all__ = ["link_former", "link_userid", "separate_userid"]
