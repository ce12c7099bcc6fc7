"""Requests that schemathesis makes up from the service's own description, in all its phases."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from fastapi import FastAPI
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

_PIECES = "application/offset+octet-stream"
_OWN_URL = "http://127.0.0.1:9/game.mp4"
"""Where nobody is: what is made up would be looked for in the network."""
_OFF = ("positive_data_acceptance", "negative_data_rejection", "missing_required_header", "use_after_free")
_VIDEOS = {"include-path-regex": "^/videos", "checks": {name: {"enabled": False} for name in _OFF}}
"""tus has its own rules: 412 where its version is not named, offsets that depend on what was sent before, OPTIONS of
what is not there."""


@schemathesis.serializer(_PIECES)
def _as_it_is(_: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@dataclass
class Found:
    """What came of it."""

    cases: Counter[str] = field(default_factory=Counter[str])
    """By phase."""
    statuses: Counter[int] = field(default_factory=Counter[int])
    failures: dict[str, str] = field(default_factory=dict[str, str])
    """What is wrong, by operation and check; one example of each."""


def try_out(app: FastAPI, token: str, each: int, known: dict[str, list[str]], seed: int = 1) -> Found:
    """Try ``app``, ``each`` times what a phase makes up of an operation. known: values of parameters of addresses.

    In every second case one of the known values takes the place of what was made up, so that requests get past 404.
    """
    headers = {"Authorization": f"Bearer {token}"}
    config = SchemathesisConfig.from_dict(
        {"seed": seed, "headers": headers, "generation": {"max-examples": each}, "operations": [_VIDEOS]}
    )
    hooks = _hooks(known)
    try:
        schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config, headers=headers)
        return _gather(from_schema(schema).execute())
    finally:
        for hook in hooks:
            schemathesis.hooks.unregister(hook)


def _hooks(known: dict[str, list[str]]) -> list[Any]:
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

    @schemathesis.hook
    def before_call(_: Any, case: Any, __: Any) -> None:
        if isinstance(case.body, dict) and isinstance(case.body.get("url"), str):
            case.body["url"] = _OWN_URL

    return [map_path_parameters, before_call]


def _gather(stream: Any) -> Found:
    found = Found()
    for event in stream:
        if isinstance(event, events.ScenarioFinished):
            _count(found, event)
        elif isinstance(event, events.NonFatalError):
            found.failures.setdefault(f"{event.label}: error", str(event.value)[:500])
        elif isinstance(event, events.FatalError):
            raise event.exception
    return found


def _count(found: Found, event: events.ScenarioFinished) -> None:
    for case_id, interaction in event.recorder.interactions.items():
        found.cases[event.phase.value] += 1
        if interaction.response is not None:
            found.statuses[interaction.response.status_code] += 1
        for check in event.recorder.checks.get(case_id, ()):
            if check.failure_info is not None:
                example = f"{check.failure_info.failure}\n{check.failure_info.code_sample}"
                found.failures.setdefault(f"{event.recorder.label}: {check.name}", example[:900])
