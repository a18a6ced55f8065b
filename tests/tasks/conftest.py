"""A company of six, with the default policy in force."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.builders.approvals import Company, company_of_six


@pytest.fixture
async def company(session: AsyncSession) -> Company:
    return await company_of_six(session)
