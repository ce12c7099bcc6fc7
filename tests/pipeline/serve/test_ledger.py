"""Whatever happens in whatever order, a job is where its events say, and ends once."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.serve.database import Database
from pipeline.serve.jobs import Jobs
from pipeline.serve.ledger import (
    CANCELLED,
    DELETED,
    DONE,
    FAILED,
    JOBS_SCHEMA,
    MOST_TRIES,
    QUEUED,
    RUNNING,
    Ledger,
)  # fmt: skip
from pipeline.serve.problem import Problem
from pipeline.serve.settings import ServeSettings
from pipeline.serve.tokens import Caller

ANN = Caller("a", "Ann", frozenset({"read", "write"}), 10**9, 10**6, 10.0**9)
BOB = Caller("b", "Bob", frozenset({"read", "write"}), 10**9, 3, 30.0)
_NEXT = {
    "": {QUEUED}, QUEUED: {RUNNING, CANCELLED}, RUNNING: {QUEUED, DONE, FAILED, CANCELLED},
    DONE: {DELETED}, FAILED: {DELETED}, CANCELLED: {DELETED}, DELETED: set[str](),
}  # fmt: skip
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "done", "failed", "put back", "advance", "remove"]),
        st.integers(-1, 1),
        st.floats(0, 1),
    ),
    max_size=25,
)


def _video(path: Path, seconds: float = 60.0) -> SimpleNamespace:
    return SimpleNamespace(id="v", name="game.mp4", path=path, seconds=seconds)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    folder = tmp_path_factory.mktemp("ledger")
    return Jobs(Ledger(Database(folder, JOBS_SCHEMA)), ServeSettings(data=folder, most_queue=10**6))


def _do(jobs: Jobs, job_id: str, step: str, attempt: int, share: float) -> None:
    ledger = jobs.ledger
    match step:
        case "begin":
            ledger.begin(job_id, attempt)
        case "done" | "failed":
            ledger.end(job_id, attempt, step)
        case "put back":
            ledger.put_back(job_id, attempt, "lost")
        case "advance":
            ledger.advance(job_id, attempt, "detect", share, None)
        case _:
            jobs.remove(ANN, job_id)


@settings(deadline=None, max_examples=40)
@given(_STEPS)
def test_only_the_attempt_that_runs_changes_anything(jobs: Jobs, steps: list[tuple[str, int, float]]) -> None:
    job_id = jobs.create(ANN, _video(Path("x")), {})
    for step, stale, share in steps:
        before = jobs.ledger.find(job_id)
        assert before is not None
        attempt = before["attempt"] + stale
        try:
            _do(jobs, job_id, step, attempt, share)
        except Problem as problem:
            assert problem.status == 404 and before["state"] == DELETED
        after = jobs.ledger.find(job_id)
        assert after is not None
        if step != "remove" and (stale or before["state"] not in (QUEUED, RUNNING)):
            assert tuple(after) == tuple(before)
        assert after["state"] == before["state"] or after["state"] in _NEXT[before["state"]]
    _require_told(jobs, job_id)


def _require_told(jobs: Jobs, job_id: str) -> None:
    told = [json.loads(e["data"]) for e in jobs.ledger.events(job_id) if e["kind"] == "state"]
    row = jobs.ledger.find(job_id)
    assert row is not None and told[-1]["state"] == row["state"]
    states = ["", *(one["state"] for one in told)]
    assert all(after in _NEXT[before] for before, after in pairwise(states))
    assert sum(state in (DONE, FAILED, CANCELLED) for state in states) <= 1


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_a_job_fails_after_three_tries_that_get_no_further(jobs: Jobs, shares: list[float]) -> None:
    job_id = jobs.create(ANN, _video(Path("x")), {})
    furthest, tries = 0.0, 0
    for attempt, share in enumerate(shares):
        assert jobs.ledger.begin(job_id, attempt)
        tries = 1 if share > furthest + 0.01 else tries + 1
        furthest = max(furthest, share)
        assert jobs.ledger.advance(job_id, attempt + 1, "detect", share, None)
        assert jobs.ledger.put_back(job_id, attempt + 1, "its process vanished")
        row = jobs.ledger.find(job_id)
        assert row is not None
        assert row["state"] == (FAILED if tries >= MOST_TRIES else QUEUED)
        if tries >= MOST_TRIES:
            assert "its process vanished" in row["reason"]
            return


def test_a_stopped_service_costs_no_try(jobs: Jobs) -> None:
    job_id = jobs.create(ANN, _video(Path("x")), {})
    for attempt in range(2 * MOST_TRIES):
        assert jobs.ledger.begin(job_id, attempt)
        assert jobs.ledger.put_back(job_id, attempt + 1, "stopped", counts=False)


def test_jobs_are_their_owners_alone(jobs: Jobs) -> None:
    job_id = jobs.create(ANN, _video(Path("x")), {})
    assert job_id in {row["id"] for row in jobs.list(ANN, 10**6)}
    assert job_id not in {row["id"] for row in jobs.list(BOB, 10**6)}
    for ask in (jobs.find, jobs.remove):
        with pytest.raises(Problem) as refused:
            ask(BOB, job_id)
        assert refused.value.status == 404


def test_quotas_hold(jobs: Jobs) -> None:
    made = [jobs.create(BOB, _video(Path("x"), 60.0), {}) for _ in range(BOB.most_jobs)]
    with pytest.raises(Problem, match="3 jobs") as refused:
        jobs.create(BOB, _video(Path("x")), {})
    assert refused.value.status == 429 and int(refused.value.headers["Retry-After"]) > 0
    jobs.ledger.begin(made[0], 0)
    jobs.ledger.end(made[0], 1, DONE)
    with pytest.raises(Problem, match="30 minutes") as refused:
        jobs.create(BOB, _video(Path("x"), 27.5 * 60), {})
    assert 86000 < int(refused.value.headers["Retry-After"]) <= 86401
    jobs.remove(BOB, made[1])
    jobs.create(BOB, _video(Path("x"), 27.5 * 60), {})


def test_the_queue_is_bounded(tmp_path: Path) -> None:
    jobs = Jobs(Ledger(Database(tmp_path, JOBS_SCHEMA)), ServeSettings(data=tmp_path, most_queue=2))
    first = jobs.create(ANN, _video(Path("x")), {})
    jobs.create(BOB, _video(Path("x")), {})
    with pytest.raises(Problem, match="2 jobs wait already"):
        jobs.create(ANN, _video(Path("x")), {})
    jobs.ledger.begin(first, 0)
    jobs.create(ANN, _video(Path("x")), {})
