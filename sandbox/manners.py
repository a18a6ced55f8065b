"""How the platform behaves where its documentation and what its callers see differ (`SandboxConfig.like`).

`documentation` is what the pages print. `observed` is what those who call the platform report: no empty lists beside a
success, empty fields beside a refusal, longer tokens and msgids, a hint of digits alone, `Error-Code` and `Error-Msg`
in the header, warnings about sloppy JSON in front of a refusal's text and behind a success's.
"""

import secrets
import time
from typing import Any

from sandbox.config import SandboxConfig
from sandbox.errors import PlatformError, error_answer, hint_as_documented

WRONG_JSON = "Warning: wrong json format."

LEFT_OUT_WHEN_EMPTY = ("invaliduser", "invalidparty", "invalidtag", "unlicenseduser")
"""A send that reached everybody answers without these."""

EMPTY_BESIDE_REFUSALS: dict[str, dict[str, Any]] = {
    "gettoken": {"access_token": "", "expires_in": 0},
    "get_jsapi_ticket": {"ticket": "", "expires_in": 0},
    "ticket/get": {"ticket": "", "expires_in": 0},
    "getcallbackip": {"ip_list": []},
    "department/list": {"department": []},
    "department/simplelist": {"department_id": []},
    "user/list": {"userlist": []},
    "user/simplelist": {"userlist": []},
    "user/list_id": {"next_cursor": "", "dept_user": []},
    "tag/list": {"taglist": []},
    "tag/get": {"tagname": "", "userlist": [], "partylist": []},
    "media/upload": {"type": "", "media_id": "", "created_at": ""},
    "media/uploadimg": {"url": ""},
    "message/send": {"msgid": ""},
    "appchat/create": {"chatid": ""},
    "webhook/upload_media": {"type": "", "media_id": "", "created_at": ""},
}

HINT_DIGITS = 15
"""After ten of the time."""
TOKEN_BYTES = {"documentation": 48, "observed": 160}
"""214 characters are observed; the documentation asks for room for 512 (doc path/91039)."""
MSGID_BYTES = {"documentation": (30, 30), "observed": (64, 96)}
"""86 to 128 characters are observed."""


class Manners:
    """Asks the configuration each time: it can be changed while the sandbox runs."""

    def __init__(self, config: SandboxConfig) -> None:
        self._config = config

    @property
    def are_observed(self) -> bool:
        return self._config.like == "observed"

    def new_token(self) -> str:
        return secrets.token_urlsafe(TOKEN_BYTES[self._config.like])

    def new_msgid(self) -> str:
        least, most = MSGID_BYTES[self._config.like]
        return secrets.token_urlsafe(least + secrets.randbelow(most - least + 1))

    def success(self, answer: dict[str, Any], *, is_sloppy: bool) -> dict[str, Any]:
        """`is_sloppy`: the body was not what the platform asks for, and was read all the same."""
        if not self.are_observed:
            return answer
        kept = {name: value for name, value in answer.items() if value or name not in LEFT_OUT_WHEN_EMPTY}
        return kept | {"errmsg": f"{answer.get('errmsg', 'ok')}. {WRONG_JSON} "} if is_sloppy else kept

    def refusal(self, error: PlatformError, endpoint: str, *, from_ip: str, is_sloppy: bool = False) -> dict[str, Any]:
        if not self.are_observed:
            return error_answer(error.errcode, error.text, hint=hint_as_documented(), from_ip=from_ip)
        text = f"{WRONG_JSON} {error.text}" if is_sloppy else error.text
        hint = f"{int(time.time())}{secrets.randbelow(10**HINT_DIGITS):0{HINT_DIGITS}d}"
        return error_answer(error.errcode, text, hint=hint, from_ip=from_ip) | EMPTY_BESIDE_REFUSALS.get(endpoint, {})

    def headers(self, answer: dict[str, Any]) -> dict[str, str]:
        """Headers hold ASCII only: the rest of a text is left out there."""
        if not self.are_observed:
            return {}
        text = "".join(sign for sign in str(answer.get("errmsg", "")) if " " <= sign <= "~")
        return {"error-code": str(answer.get("errcode", 0)), "error-msg": text.strip()}
