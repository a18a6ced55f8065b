"""Who is meant, on the wire."""

from __future__ import annotations

from pydantic import BaseModel, Field


class HolderOut(BaseModel):
    userid: str
    name: str
    departments: list[str]


class MeantOut(BaseModel):
    """A role, tag, post or userid of the policy, and who answers to it today."""

    policy_version: int
    expression: str = Field(examples=["role:hr"])
    title: str = Field(examples=["角色“人力资源”（role:hr）"])
    places: list[str] = Field(description="Where the document names it", examples=[["approvals.fallback[0]"]])
    count: int = Field(description="How many hold it who may act: where it is 0, a request that needs it is refused")
    people: list[HolderOut] = Field(description="The first 50 of them")
