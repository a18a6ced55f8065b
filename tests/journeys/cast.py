"""Who plays whom: people of the sandbox's company of sixty, the same in every run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cast:
    department: int = 7
    department_name: str = "市场部"
    head: str = "wangmeishi"
    """Head of the marketing department."""
    applicant: str = "chenleiyue"
    """Of the marketing department; applies for groups and owns them."""
    team: tuple[str, ...] = ("chenglindan", "xiejian", "jinningan")
    """Their colleagues. The first is deputy owner."""
    other_head: str = "wangchenfeng"
    """Head of the sales department."""
    newcomer: str = "tangwei"
    """Of the sales department."""
    stranger: str = "majie"
    """Of the sales department as well."""
    hr: tuple[str, ...] = ("zhoupengjie", "zhouyuesi", "wangningbo")
    """Human resources, their head first."""
    president: str = "liyingxia"
    group_name: str = "市场部-新品上线"

    @property
    def members(self) -> list[str]:
        """Everybody in the group that stories begin with."""
        return sorted([self.applicant, *self.team])


CAST = Cast()
