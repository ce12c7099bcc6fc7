"""Requests that schemathesis makes up from the service's own description, in all its phases."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from fastapi import FastAPI
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

_SEED = 1


@dataclass
class Found:
    """What came of it."""

    cases: Counter[str] = field(default_factory=Counter[str])
    """By phase."""
    statuses: Counter[int] = field(default_factory=Counter[int])
    failures: dict[str, str] = field(default_factory=dict[str, str])
    """What is wrong, by operation and check; one example of each."""


def try_out(app: FastAPI, token: str, each: int, known: dict[str, list[str]], seed: int = _SEED) -> Found:
    """Try ``app``, ``each`` times what a phase makes up of an operation. known: values of parameters of addresses.

    In every second case one of the known values takes the place of what was made up, so that requests get past 404.
    """
    config = SchemathesisConfig(seed=seed)
    project = config.projects.default
    project.generation.update(max_examples=each)
    project.headers = {"Authorization": f"Bearer {token}"}
    hook = _hook(known)
    try:
        schema = schemathesis.openapi.from_asgi(
            "/openapi.json", app, config=config, headers={"Authorization": f"Bearer {token}"}
        )
        return _gather(from_schema(schema).execute())
    finally:
        schemathesis.hooks.unregister(hook)


def _hook(known: dict[str, list[str]]) -> Any:
    count = 0

    @schemathesis.hook
    def map_path_parameters(_: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
        nonlocal count
        count += 1
        if path_parameters and count % 2:
            for name, values in known.items():
                if name in path_parameters:
                    path_parameters[name] = values[count // 2 % len(values)]
        return path_parameters

    return map_path_parameters


def _gather(stream: Any) -> Found:
    found = Found()
    for event in stream:
        if isinstance(event, events.ScenarioFinished):
            for case_id, interaction in event.recorder.interactions.items():
                found.cases[event.phase.value] += 1
                if interaction.response is not None:
                    found.statuses[interaction.response.status_code] += 1
                for check in event.recorder.checks.get(case_id, ()):
                    if check.failure_info is not None:
                        failure = check.failure_info.failure
                        found.failures.setdefault(f"{event.recorder.label}: {check.name}", str(failure)[:500])
        elif isinstance(event, events.NonFatalError):
            found.failures.setdefault(f"{event.label}: error", str(event.value)[:500])
        elif isinstance(event, events.FatalError):
            raise event.exception
    return found
