"""How the platform writes its answers."""

import json
from typing import Any

from starlette.responses import JSONResponse


class PlainJSON(JSONResponse):
    """Raw UTF-8, compact, as the platform answers."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
