"""What a job has made, by name, in ranges, as its owner alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from benchmarks.serve.cases import done_job
from pipeline.serve.app import make_app
from pipeline.serve.folders import JobFolder
from pipeline.serve.ledger import FAILED
from pipeline.serve.settings import ServeSettings

CONTENT = bytes(range(256)) * 5
_NAMES = ("report.html", "annotated.mp4", "timeline.csv", "tracks-0123456789abcdef.npz", "analysis.json")
_HIDDEN = ("log.txt", ".courtscribe-lock", "boxes.js", "tracks-0.npz", "report.html.part")


class Made:
    """A service in which one job is done."""

    def __init__(self, client: TestClient, data: Path) -> None:
        self.client, self.jobs = client, client.app.state.jobs  # type: ignore[attr-defined]
        self.id = done(client, data)
        self.folder = JobFolder.of(data, self.id)
        boxes = self.folder.results / "report"
        boxes.mkdir(parents=True, exist_ok=True)
        for name in (*_NAMES, *_HIDDEN):
            (self.folder.results / name).write_bytes(CONTENT)
        for name in ("boxes-0000.js", "boxes-x.js"):
            (boxes / name).write_bytes(CONTENT)

    def get(self, name: str, **headers: str) -> object:
        return self.client.get(f"/jobs/{self.id}/results/{name}", headers=headers)


def done(client: TestClient, data: Path) -> str:
    """A job of the client's that is done, of a video that is ready."""
    state = client.app.state  # type: ignore[attr-defined]
    job, video = done_job(state.jobs, state.videos, client.headers["authorization"].removeprefix("Bearer "), data)
    (data / "videos" / video).write_bytes(CONTENT)
    return job


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    data = tmp_path_factory.mktemp("results")
    app = make_app(ServeSettings(data=data))
    with TestClient(app, follow_redirects=False) as client:
        client.headers["authorization"] = f"Bearer {app.state.tokens.add('one')}"
        yield Made(client, data)


def test_results_are_those_of_a_list(made: Made) -> None:
    listed = made.client.get(f"/jobs/{made.id}/results").json()
    assert {one["name"] for one in listed} == {*_NAMES, "report/boxes-0000.js"}
    for one in listed:
        assert made.client.get(one["url"]).content == CONTENT and one["bytes"] == len(CONTENT)


@pytest.mark.parametrize(
    "name", [*_HIDDEN, "report/boxes-x.js", "../log.txt", "..%2flock", "", "report", "%00", "x" * 300]
)
def test_nothing_else_is_a_result(made: Made, name: str) -> None:
    assert made.get(name).status_code == 404  # type: ignore[attr-defined]


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(st.text(max_size=30))
def test_no_name_leads_out(made: Made, name: str) -> None:
    from urllib.parse import quote

    answer = made.client.get(f"/jobs/{made.id}/results/{quote(name, safe='/.')}")
    assert answer.status_code == 404 or name in _NAMES or "/../" in f"/{name}/" or "/./" in f"/{name}/"
    assert answer.status_code != 500


_BOUND = st.one_of(
    st.just(""), st.integers(0, len(CONTENT) + 10).map(str), st.sampled_from(["9" * 19, "-1", "x", " 3"])
)


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(_BOUND, _BOUND)
def test_ranges_are_as_the_standard_says(made: Made, first: str, last: str) -> None:
    answer = made.get("annotated.mp4", range=f"bytes={first}-{last}")
    status, wanted = _expected(first, last)
    assert answer.status_code == status  # type: ignore[attr-defined]
    if wanted is not None:
        assert answer.content == CONTENT[wanted]  # type: ignore[attr-defined]
    if status == 206 and wanted is not None:
        told = f"bytes {wanted.start}-{wanted.stop - 1}/{len(CONTENT)}"
        assert answer.headers["content-range"] == told  # type: ignore[attr-defined]


def _expected(first: str, last: str) -> tuple[int, slice | None]:
    """RFC 9110, 14.1.2: what is no range of bytes is as if it were not there."""
    size = len(CONTENT)
    if not re.fullmatch(r"[0-9]{0,18}", first) or not re.fullmatch(r"[0-9]{0,18}", last) or not first + last:
        return 200, slice(0, size)
    if not first:
        return (416, None) if int(last) == 0 else (206, slice(max(size - int(last), 0), size))
    if last and int(last) < int(first):
        return (416, None) if int(first) >= size else (200, slice(0, size))
    end = size if not last else min(int(last) + 1, size)
    return (416, None) if int(first) >= size else (206, slice(int(first), end))


def test_a_range_of_what_has_changed_is_the_whole(made: Made) -> None:
    tag = made.get("annotated.mp4").headers["etag"]  # type: ignore[attr-defined]
    for given_tag, range_, status in ((tag, "0-3", 206), ('"other"', "0-3", 200), ('"other"', "99999-", 200)):
        answer = made.get("annotated.mp4", **{"range": f"bytes={range_}", "if-range": given_tag})
        assert answer.status_code == status  # type: ignore[attr-defined]


def test_the_report_finds_what_lies_around_it(made: Made) -> None:
    place = made.client.get(f"/jobs/{made.id}/report")
    assert place.status_code == 307
    page = made.client.get(place.headers["location"])
    assert page.content == CONTENT and "script-src" not in page.headers["content-security-policy"]
    for relative in ("annotated.mp4", "report/boxes-0000.js", "../video"):
        from urllib.parse import urljoin

        answer = made.client.get(urljoin(place.headers["location"], relative), headers={"range": "bytes=3-9"})
        assert answer.status_code == 206 and answer.content == CONTENT[3:10]


def test_no_other_token_sees_any_of_it(made: Made) -> None:
    other = {"authorization": f"Bearer {made.client.app.state.tokens.add('other')}"}  # type: ignore[attr-defined]
    for path in ("", "/results", "/results/report.html", "/report", "/events", "/video"):
        assert made.client.get(f"/jobs/{made.id}{path}", headers=other).status_code == 404
    assert made.client.delete(f"/jobs/{made.id}", headers=other).status_code == 404
    assert made.client.get("/jobs", headers=other).json() == []


def test_there_are_no_results_before_the_job_is_done(made: Made) -> None:
    job = done(made.client, made.folder.path.parent.parent)
    with made.jobs.ledger.database.writing() as connection:
        connection.execute("UPDATE jobs SET state=? WHERE id=?", (FAILED, job))
    for path in ("/results", "/results/report.html", "/report"):
        assert made.client.get(f"/jobs/{job}{path}").status_code == 409
