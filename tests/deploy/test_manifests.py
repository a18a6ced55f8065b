"""compose.yaml and deploy/kubernetes: they parse, their names agree, they know our settings, they show two paths."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from app.settings import is_secret, load_settings, setting_names
from tests.architecture.source import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
NAMES = dict(setting_names())
KNOWN = set(NAMES) | {f"{name}_FILE" for name, (_, field) in NAMES.items() if is_secret(field)}
SECRETS = {name for name, (_, field) in NAMES.items() if is_secret(field)}


@cache
def manifests() -> list[dict[str, Any]]:
    files = sorted(path for path in KUBERNETES.glob("*.yaml") if path.name != "kustomization.yaml")
    return [each for path in files for each in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [each for each in manifests() if each["kind"] == kind]


def pods() -> list[dict[str, Any]]:
    return [each["spec"]["template"] for each in [*of_kind("Deployment"), *of_kind("Job")]]


@cache
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return document


class TestKubernetes:
    def test_every_manifest_is_listed_or_named_with_its_reason(self) -> None:
        text = (KUBERNETES / "kustomization.yaml").read_text(encoding="utf-8")
        files = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml", "secret.example.yaml"}
        assert {name for name in files if f"- {name}" not in text} == set()

    def test_serve_and_worker_run_twice_and_the_migration_once(self) -> None:
        assert {each["metadata"]["name"]: each["spec"]["replicas"] for each in of_kind("Deployment")} == {
            "steward-serve": 2,
            "steward-worker": 2,
        }
        assert [pod["spec"]["containers"][0]["args"] for pod in pods()] == [["serve"], ["worker"], ["migrate"]]

    def test_the_outside_sees_the_callbacks_and_the_pages_alone(self) -> None:
        (ingress,) = of_kind("Ingress")
        paths = [path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
        assert {path["path"] for path in paths} - {"/WW_verify_AbC123dEf456.txt"} == {
            *("/", "/callbacks"),
            *("/me", "/console", "/sign-in", "/sign-out", "/assets"),
        }
        assert [path["pathType"] for path in paths if path["path"] == "/"] == ["Exact"]
        assert {service["spec"].get("type", "ClusterIP") for service in of_kind("Service")} == {"ClusterIP"}

    def test_names_that_refer_to_each_other_agree(self) -> None:
        labels = {each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"] for each in deployments()}
        for kind in ("Service", "PodDisruptionBudget"):
            for each in of_kind(kind):
                selector = each["spec"]["selector"]
                wanted = selector.get("matchLabels", selector)
                assert wanted.items() <= labels[each["metadata"]["name"]].items()
        for each in deployments():
            assert each["spec"]["selector"]["matchLabels"].items() <= labels[each["metadata"]["name"]].items()
        services = {each["metadata"]["name"] for each in of_kind("Service")}
        (ingress,) = of_kind("Ingress")
        backends = {path["backend"]["service"]["name"] for path in ingress["spec"]["rules"][0]["http"]["paths"]}
        assert backends <= services
        given = {each["metadata"]["name"] for each in [*of_kind("ConfigMap"), *of_kind("Secret")]}
        for pod in pods():
            for source in pod["spec"]["containers"][0]["envFrom"]:
                assert next(iter(source.values()))["name"] in given

    def test_every_name_is_a_setting_and_no_secret_lies_in_the_config_map(self) -> None:
        settings, secrets = of_kind("ConfigMap")[0]["data"], of_kind("Secret")[0]["stringData"]
        assert settings.keys() <= NAMES.keys()
        assert secrets.keys() <= NAMES.keys()
        assert settings.keys() & SECRETS == set()
        required = {name for name, (_, field) in NAMES.items() if field.is_required()}
        assert required <= settings.keys() | secrets.keys()
        assert "STEWARD_DATABASE_URL" in secrets

    def test_the_cluster_does_not_add_names_of_its_own(self) -> None:
        """A Service called steward-serve would give every pod STEWARD_SERVE_PORT, which the settings refuse."""
        assert [pod for pod in pods() if pod["spec"].get("enableServiceLinks") is not False] == []

    @pytest.mark.parametrize("pod", pods(), ids=lambda pod: pod["spec"]["containers"][0]["name"])
    def test_nothing_runs_as_root_or_writes_to_the_image(self, pod: dict[str, Any]) -> None:
        (container,) = pod["spec"]["containers"]
        user = re.search(r"^USER (\d+):", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
        assert user
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["securityContext"]["runAsUser"] == int(user[1])
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp"]  # noqa: S108 -- the mount's name
        assert container["resources"]["limits"]["memory"]

    def test_probes_ask_what_the_processes_answer(self) -> None:
        for each in deployments():
            (container,) = each["spec"]["template"]["spec"]["containers"]
            assert container["startupProbe"]["httpGet"]["path"] == "/healthz"
            assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
            assert {port["containerPort"] for port in container["ports"]} == {8080}
            assert each["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > 10


class TestCompose:
    def test_its_services(self) -> None:
        services = compose()["services"]
        assert set(services) == {"database", "migrate", "serve", "worker", "sandbox"}
        assert services["sandbox"]["profiles"] == ["sandbox"]
        assert services["database"]["image"] == "postgres:16"
        assert services["database"]["healthcheck"]["test"]

    def test_what_it_sets_are_settings(self) -> None:
        for name in ("migrate", "serve", "worker"):
            service = compose()["services"][name]
            assert service["environment"].keys() <= KNOWN
            assert service["stop_grace_period"] == "15s"
            assert set(service["secrets"]) <= compose()["secrets"].keys()

    def test_serve_and_worker_start_after_the_migration(self) -> None:
        for name in ("serve", "worker"):
            waits = compose()["services"][name]["depends_on"]
            assert waits["migrate"]["condition"] == "service_completed_successfully"

    def test_nothing_is_published_beyond_this_machine(self) -> None:
        published = [port for service in compose()["services"].values() for port in service.get("ports", [])]
        assert published
        assert [port for port in published if "127.0.0.1:" not in port] == []

    def test_the_settings_of_a_first_look_are_complete(self) -> None:
        """Only what the compose file brings itself is missing."""
        given = {name: value or "" for name, value in dotenv_values(ROOT / "deploy" / "sandbox.env").items()}
        assert given.keys() <= KNOWN
        rest = {"STEWARD_SECRET_KEY": "x" * 40, "STEWARD_DATABASE_URL": "postgresql://a:b@database:5432/c"}
        assert load_settings(given | rest).wecom.api_base == "http://sandbox:8901/cgi-bin"


class TestExample:
    """.env.example, the class and the table in docs/operators.md name the same settings, in the same order."""

    def test_every_setting_is_explained_once(self) -> None:
        text = (ROOT / ".env.example").read_text(encoding="utf-8")
        named = re.findall(r"^(?:# )?(STEWARD_\w+)=", text, re.MULTILINE)
        assert sorted(named) == sorted(NAMES)

    def test_it_works_as_it_is(self) -> None:
        given = {name: value or "" for name, value in dotenv_values(ROOT / ".env.example").items()}
        assert load_settings(given).secret_key

    def test_every_setting_stands_below_its_explanation(self) -> None:
        lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if re.match(r"(?:# )?STEWARD_\w+=", line):
                above = lines[number - 1]
                assert above.startswith("#") or re.match(r"STEWARD_\w+=", above), line


def deployments() -> list[dict[str, Any]]:
    return of_kind("Deployment")


def test_secrets_of_compose_are_not_kept_in_the_repository() -> None:
    assert "deploy/secrets/" in (Path(ROOT) / ".gitignore").read_text(encoding="utf-8")
