"""Workers of Ray: they behave as local processes do, nobody else gets in, and nothing of Ray is left behind."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from ground.errors import InputError
from pipeline.parts.cluster import ray_pool
from tests.pipeline.parts.test_pool import DEADLINE, Note, begun, until


@pytest.mark.slow
def test_a_local_ray_does_jobs_survives_a_killed_actor_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (extra cluster)")
    monkeypatch.chdir(tmp_path)
    environment, on_terminate = dict(os.environ), signal.getsignal(signal.SIGTERM)
    with ray_pool("local", 2, tmp_path, on_gpu=False) as pool:
        assert len(pool) == 2
        assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0" and os.environ["RAY_AUTH_MODE"] == "token"
        done = [pool.submit(Note(tmp_path, number, "go" if number == 0 else "")) for number in range(4)]
        until(lambda: 0 in begun(tmp_path))
        os.kill(next(iter(begun(tmp_path)[0])), signal.SIGKILL)
        until(lambda: len(begun(tmp_path)[0]) == 2)
        (tmp_path / "go").touch()
        for job in done:
            job.result(DEADLINE)
        with pytest.raises(ZeroDivisionError):
            pool.submit(Note(tmp_path, 5, kind="fails")).result(DEADLINE)
    assert [len((tmp_path / f"done-{number}").read_text().split()) for number in range(4)] == [1] * 4
    assert not list(tmp_path.glob(".*"))
    assert dict(os.environ) == environment
    assert signal.getsignal(signal.SIGTERM) == on_terminate


def test_without_ray_it_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(InputError, match=r"Ray is not installed: .*courtscribe\[cluster\]") as caught,
        ray_pool("local", 1, tmp_path, on_gpu=False),
    ):
        pass
    assert caught.value.setting == "ray" and "RAY_AUTH_TOKEN" not in os.environ


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "no.such.host.invalid:6379"])
def test_where_no_ray_answers_it_is_one_line_soon(tmp_path: Path, address: str) -> None:
    with (
        pytest.raises(InputError, match="no Ray answers there") as caught,
        ray_pool(address, 1, tmp_path, on_gpu=False),
    ):
        pass
    assert caught.value.setting == "ray"
