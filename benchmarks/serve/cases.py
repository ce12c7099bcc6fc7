"""Requests that schemathesis makes up from the service's own description, in all its phases."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from fastapi import FastAPI
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.python.asgi import shutdown_lifespans

from pipeline.runners.offered import offered
from pipeline.serve.access import Delays
from pipeline.serve.app import make_app
from pipeline.serve.folders import JobFolder
from pipeline.serve.jobs import Jobs
from pipeline.serve.ledger import DONE
from pipeline.serve.settings import ServeSettings
from pipeline.serve.tokens import Tokens
from pipeline.serve.videos import READY, Videos

_NAMES = ("report.html", "annotated.mp4", "timeline.csv", "report/boxes-0000.js")
_PIECES = "application/offset+octet-stream"
_OWN_URL = "http://127.0.0.1:9/game.mp4"
"""Where nobody is: what is made up would be looked for in the network."""
_OFF = ("positive_data_acceptance", "negative_data_rejection", "missing_required_header", "use_after_free")
_OWN_RULES = {"include-path-regex": "^/(videos|sport)", "checks": {name: {"enabled": False} for name in _OFF}}
"""tus has its own rules: 412 where its version is not named, offsets that depend on what was sent before, OPTIONS of
what is not there. And what a picture is no description says."""

_REFUSALS = ["400", "401", "403", "404", "405", "406", "409", "413", "414", "415", "422", "428", "429", "431"]
"""By which what is against the description may be refused: what is made up is now and then longer than is read."""


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
        {
            "seed": seed,
            "headers": headers,
            "generation": {"max-examples": each},
            "checks": {"negative_data_rejection": {"expected-statuses": _REFUSALS}},
            "operations": [_OWN_RULES],
        }
    )
    hooks = _hooks(known)
    try:
        schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config, headers=headers)
        return _gather(from_schema(schema).execute())
    finally:
        for hook in hooks:
            schemathesis.hooks.unregister(hook)
        shutdown_lifespans()


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
            query = event.recorder.cases[case_id].value.query or {}
            if check.failure_info is not None and not is_same_address(check.name, query):
                example = f"{check.failure_info.failure}\n{check.failure_info.code_sample}"
                found.failures.setdefault(f"{event.recorder.label}: {check.name}", example[:900])


def is_same_address(check: str, query: Mapping[str, Any]) -> bool:
    """Whether what was not refused is a list of one number: in an address it reads as that number, ``?most=5``.

    No service can tell them apart, and it is schemathesis that takes one for wrong and the other for right.
    """
    lists = [value for value in query.values() if isinstance(value, list)]
    return check == "negative_data_rejection" and any(len(one) == 1 and str(one[0]).isdecimal() for one in lists)


def try_out_service(data: Path, each: int, seed: int) -> list[str]:
    """Rows: a service with jobs that are done, tried out. Wrong tokens are answered at once here."""
    Delays.first = 0.0
    settings = ServeSettings(
        data=data, fields=tuple(offered()), command=(sys.executable, "-c", "pass"), allow_private_urls=True
    )
    app = make_app(settings)
    token = app.state.tokens.add("cases", most_bytes=1 << 60, most_jobs=10**6, most_minutes=1e9)
    made = [done_job(app.state.jobs, app.state.videos, token, data) for _ in range(8)]
    known = {"job_id": [job for job, _ in made], "video_id": [video for _, video in made], "name": list(_NAMES)}
    found = try_out(app, token, each, known, seed)
    for what, example in found.failures.items():
        sys.stderr.write(f"{what}\n{example}\n")
    statuses = sorted(found.statuses)
    return [
        f"| cases, in all | {sum(found.cases.values()):,} |",
        *(f"| of the phase {phase} | {count:,} |" for phase, count in sorted(found.cases.items())),
        f"| statuses of the answers | {', '.join(map(str, statuses))} |",
        f"| of them 500 or more | {sum(n for status, n in found.statuses.items() if status >= 500)} |",
        f"| checks that failed (undocumented status, kind, schema and others) | {len(found.failures)} |",
    ]


def done_job(jobs: Jobs, videos: Videos, token: str, data: Path) -> tuple[str, str]:
    """A job of the token's that is done, and its video that is ready -> their ids."""
    caller = Tokens(jobs.ledger.database).find(token)
    assert caller is not None
    video = videos.create(caller, 1280, "game.mp4")
    video.path.write_bytes(bytes(1280))
    with jobs.ledger.database.writing() as connection:
        changes = (READY, 2.0, "mov,mp4", video.id)
        connection.execute("UPDATE videos SET state=?, seconds=?, container=? WHERE id=?", changes)
    job = jobs.create(caller, videos.find(caller, video.id), {})
    jobs.ledger.begin(job, 0)
    jobs.ledger.end(job, 1, DONE)
    folder = JobFolder.of(data, job)
    for name in _NAMES:
        (folder.results / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.results / name).write_bytes(bytes(1280))
    return job, video.id
