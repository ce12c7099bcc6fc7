"""Whoever follows a job hears everything once, in order, whenever he comes and whatever was begun anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pipeline.serve.jobs import Jobs
from pipeline.serve.ledger import CANCELLED
from tests.pipeline.serve.conftest import Connect
from tests.pipeline.serve.test_results import done


def _job(client: TestClient) -> str:
    return done(client, client.app.state.settings.data)  # type: ignore[attr-defined]


def _told(client: TestClient, job: str, after: str | None = None) -> list[tuple[int, str, object]]:
    headers = {} if after is None else {"last-event-id": after}
    answer = client.get(f"/jobs/{job}/events", headers=headers)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
    found: list[tuple[int, str, object]] = []
    for block in answer.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "id" in fields:
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


def test_events_go_on_where_they_were_broken_off_over_restarts(connect: Connect) -> None:
    client = connect()
    other, job = _job(client), _job(client)
    whole = _told(client, job)
    assert [data["state"] for _, kind, data in whole if kind == "state"] == ["queued", "running", "done"]  # type: ignore[index]
    assert not {one[0] for one in whole} & {one[0] for one in _told(client, other)}
    token = client.headers["authorization"]
    again = connect()  # over the same folder
    again.headers["authorization"] = token
    for i, (event, _, _) in enumerate(whole[:-1]):
        assert _told(again, job, str(event)) == whole[i + 1 :]


def test_who_has_heard_all_is_told_not_to_ask_again(connect: Connect) -> None:
    client = connect()
    job = _job(client)
    last = _told(client, job)[-1][0]
    assert client.get(f"/jobs/{job}/events", headers={"last-event-id": str(last)}).status_code == 204


@pytest.mark.slow
@pytest.mark.parametrize("odd", ["x", "-1", "", "1.5"])
def test_an_odd_last_event_is_as_none(connect: Connect, odd: str) -> None:
    client = connect()
    job = _job(client)
    assert _told(client, job, odd) == _told(client, job)


def test_a_stream_ends_with_its_job(connect: Connect, tmp_path: Path) -> None:
    client = connect(command=("sleep-no-such-program",), workers=1)
    jobs: Jobs = client.app.state.jobs  # type: ignore[attr-defined]
    client.app.state.dispatcher.close()  # type: ignore[attr-defined]
    ended = _job(client)
    row = jobs.ledger.find(ended)
    assert row is not None
    job = client.post("/jobs", json={"video": row["video_id"]}).json()["id"]
    assert client.delete(f"/jobs/{job}").status_code == 204
    assert _told(client, job)[-1][2]["state"] == CANCELLED  # type: ignore[index]
