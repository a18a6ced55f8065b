"""The part of `SandboxClient` for administrators: people, departments, tags, ranges, licences."""

from collections.abc import Sequence
from typing import Any

from sandbox.client.asking import Asking, Fields


class Organisation(Asking):
    async def person(self, userid: str) -> Fields:
        return await self._object("GET", f"/people/{userid}")

    async def people(
        self, department: int | None = None, *, query: str = "", limit: int = 1_000, offset: int = 0
    ) -> list[Fields]:
        """In the order of creation; with `department` its direct members."""
        return await self._list("/people", department=department, query=query, limit=limit, offset=offset)

    async def hire(
        self,
        userid: str,
        name: str,
        department: Sequence[int] = (1,),
        *,
        mobile: str | None = None,
        active: bool = True,
        **fields: Any,
    ) -> Fields:
        """Further fields as in `user/create`. Not `active`: they have not joined yet, no subscribe."""
        body = {
            "userid": userid,
            "name": name,
            "department": list(department),
            "mobile": mobile,
            "active": active,
            "fields": fields,
        }
        return await self._object("POST", "/people", body)

    async def set_fields(self, userid: str, **fields: Any) -> Fields:
        """Any field of `user/update`: position, is_leader_in_dept, direct_leader, extattr, …"""
        return await self._object("PATCH", f"/people/{userid}", fields)

    async def set_name(self, userid: str, name: str) -> Fields:
        return await self.set_fields(userid, name=name)

    async def move(self, userid: str, departments: Sequence[int]) -> Fields:
        return await self.set_fields(userid, department=list(departments))

    async def rename_userid(self, userid: str, new_userid: str) -> Fields:
        return await self.set_fields(userid, new_userid=new_userid)

    async def disable(self, userid: str) -> Fields:
        return await self.set_fields(userid, enable=0)

    async def enable(self, userid: str) -> Fields:
        return await self.set_fields(userid, enable=1)

    async def activate(self, userid: str) -> Fields:
        return await self._object("POST", f"/people/{userid}/activate")

    async def delete_person(self, userid: str) -> None:
        await self._ask("DELETE", f"/people/{userid}")

    # Departments, tags, ranges

    async def departments(self) -> list[Fields]:
        return await self._list("/departments")

    async def create_department(
        self,
        name: str,
        parentid: int = 1,
        *,
        department_id: int | None = None,
        order: int = 0,
    ) -> Fields:
        body = {"name": name, "parentid": parentid, "id": department_id, "order": order}
        return await self._object("POST", "/departments", body)

    async def rename_department(self, department_id: int, name: str) -> Fields:
        return await self._object("PATCH", f"/departments/{department_id}", {"name": name})

    async def move_department(self, department_id: int, parentid: int) -> Fields:
        return await self._object("PATCH", f"/departments/{department_id}", {"parentid": parentid})

    async def delete_department(self, department_id: int) -> None:
        await self._ask("DELETE", f"/departments/{department_id}")

    async def tags(self) -> list[Fields]:
        return await self._list("/tags")

    async def create_tag(self, name: str, *, tag_id: int | None = None) -> Fields:
        return await self._object("POST", "/tags", {"name": name, "id": tag_id})

    async def add_to_tag(self, tag_id: int, userids: Sequence[str] = (), departments: Sequence[int] = ()) -> Fields:
        body = {"userids": list(userids), "departments": list(departments)}
        return await self._object("POST", f"/tags/{tag_id}/add", body)

    async def remove_from_tag(
        self, tag_id: int, userids: Sequence[str] = (), departments: Sequence[int] = ()
    ) -> Fields:
        body = {"userids": list(userids), "departments": list(departments)}
        return await self._object("POST", f"/tags/{tag_id}/remove", body)

    async def set_visible_range(
        self,
        *,
        users: Sequence[str] = (),
        parties: Sequence[int] = (),
        tags: Sequence[int] = (),
        agent_id: int | None = None,
    ) -> None:
        """Replace the app's 可见范围; the root department is `parties=[1]`."""
        body = {"users": list(users), "parties": list(parties), "tags": list(tags), "agent_id": agent_id}
        await self._ask("PUT", "/visible-range", body)

    async def set_unlicensed(self, userids: Sequence[str]) -> None:
        """Exactly these people have no licence and come back as `unlicenseduser`."""
        await self._ask("PUT", "/unlicensed", {"userids": list(userids)})
