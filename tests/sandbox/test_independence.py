import ast
from pathlib import Path

import sandbox

OURS = {"app", "callbacks", "models", "tests"}


class TestIndependence:
    """The sandbox is evidence only while it shares no code with what it judges."""

    def test_it_imports_nothing_of_the_service_nor_the_library_it_is_checked_with(self) -> None:
        for path in Path(next(iter(sandbox.__path__))).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                roots = {name.split(".")[0] for name in names}
                assert not roots & (OURS | {"wechatpy"}), path
