"""deploy/prometheus and deploy/grafana: they are well-formed, and every metric and label that they name exists."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from app import observability
from tests.architecture.source import ROOT
from tests.tools import tool

RULES = ROOT / "deploy" / "prometheus" / "steward.rules.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "steward.json"
OPERATORS = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")

NAME = re.compile(r"\b(?:steward_\w+|up)\b")
SELECTOR = re.compile(r"\b(steward_\w+)\{([^}]*)\}")
GROUPING = re.compile(r"\b(?:by|on) \(([^)]*)\)")
FROM_PROMETHEUS = {"job", "instance", "le"}


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return listed


def expressions() -> Iterator[tuple[str, str]]:
    yield from ((rule["alert"], rule["expr"]) for rule in rules())
    yield from ((panel["title"], target["expr"]) for panel in panels() for target in panel["targets"])


def metrics() -> dict[str, set[str]]:
    """Every series of ours with its labels."""
    assert observability.READY
    found: dict[str, set[str]] = {}
    for collector in set(REGISTRY._collector_to_names):
        for name in REGISTRY._collector_to_names[collector]:
            if name.startswith("steward_"):
                found[name] = set(getattr(collector, "_labelnames", ()))
    return found


class TestNames:
    @pytest.mark.parametrize(("title", "expression"), list(expressions()))
    def test_metrics_and_labels_exist(self, title: str, expression: str) -> None:
        known = metrics()
        named = set(NAME.findall(expression)) - {"up"}
        assert named - known.keys() == set(), title
        labels = set().union(*(known[name] for name in named)) | FROM_PROMETHEUS
        for name, matchers in SELECTOR.findall(expression):
            assert set(re.findall(r"(\w+)[=!]~?", matchers)) <= known[name] | FROM_PROMETHEUS, title
        for grouped in GROUPING.findall(expression):
            assert {part.strip() for part in grouped.split(",")} <= labels, title

    def test_every_metric_is_explained_to_operators(self) -> None:
        shown = {name for name in metrics() if not re.search(r"_(bucket|sum|count|created)$", name)}
        families = {name.removesuffix("_total") for name in shown}
        assert {name for name in families if f"`{name}" not in OPERATORS} == set()

    def test_no_metric_has_a_twin_that_nobody_reads(self) -> None:
        samples = [sample.name for family in REGISTRY.collect() for sample in family.samples]
        assert [name for name in samples if name.endswith("_created")] == []


class TestRules:
    def test_prometheus_takes_them(self) -> None:
        done = subprocess.run([tool("promtool"), "check", "rules", RULES], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_each_says_what_to_do_about_it(self) -> None:
        for rule in rules():
            assert rule["labels"]["severity"] in {"critical", "warning", "info"}
            assert rule["annotations"]["summary"]

    def test_they_ring_when_they_should(self, tmp_path: Any) -> None:
        """Prometheus' own test runner, on series as a broken installation has them."""
        cases = {
            "rule_files": [str(RULES)],
            "evaluation_interval": "1m",
            "tests": [
                {
                    "interval": "1m",
                    "input_series": [
                        {"series": 'steward_ready{job="steward",instance="a"}', "values": "1 1 0x20"},
                        {"series": 'steward_degraded{what="token:app"}', "values": "1x20"},
                        {"series": 'steward_oldest_waiting_seconds{what="call"}', "values": "400x20"},
                    ],
                    "alert_rule_test": [
                        {"alertname": "StewardNotReady", "eval_time": "2m", "exp_alerts": []},
                        *(
                            {"alertname": name, "eval_time": "15m", "exp_alerts": [{"exp_labels": labels}]}
                            for name, labels in (
                                (
                                    "StewardNotReady",
                                    {"severity": "critical", "job": "steward", "instance": "a"},
                                ),
                                ("StewardDegraded", {"severity": "warning", "what": "token:app"}),
                                ("StewardWorkWaits", {"severity": "warning", "what": "call"}),
                            )
                        ),
                    ],
                }
            ],
        }
        summaries = {rule["alert"]: rule["annotations"]["summary"] for rule in rules()}
        for test in cases["tests"]:
            for case in test["alert_rule_test"]:  # type: ignore[index]  # a document, as Prometheus reads it
                for alert in case["exp_alerts"]:
                    text = summaries[case["alertname"]]
                    for label, value in alert["exp_labels"].items():
                        text = text.replace(f"{{{{ $labels.{label} }}}}", value)
                    alert["exp_annotations"] = {"summary": text}
        file = tmp_path / "test.yaml"
        file.write_text(yaml.safe_dump(cases, allow_unicode=True), encoding="utf-8")
        done = subprocess.run([tool("promtool"), "test", "rules", file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


class TestDashboard:
    def test_panels_stand_beside_each_other(self) -> None:
        taken: set[tuple[int, int]] = set()
        for panel in panels():
            place = panel["gridPos"]
            cells = {
                (place["x"] + across, place["y"] + down) for across in range(place["w"]) for down in range(place["h"])
            }
            assert taken & cells == set(), panel["title"]
            assert place["x"] + place["w"] <= 24
            taken |= cells
        assert len({panel["id"] for panel in panels()}) == len(panels())

    def test_it_asks_the_data_source_that_is_chosen(self) -> None:
        assert {panel["datasource"]["uid"] for panel in panels()} == {"${datasource}"}
