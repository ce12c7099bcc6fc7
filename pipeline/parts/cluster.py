"""Workers that are actors of Ray: of a cluster, or of a Ray that this machine starts for the time of the run."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ground.compute.threads import limit_threads
from ground.disk.files import PART_PREFIX, PART_SUFFIX
from ground.errors import InputError
from pipeline.models import Models
from pipeline.parts.pool import Elsewhere, Job, Pool
from pipeline.parts.processes import outcome, shares
from pipeline.parts.run import suiting
from pipeline.parts.versions import LIBRARIES, versions

LOCAL = "local"
"""In the place of a cluster's address: this machine."""
_SHORT = "/tmp" if os.name == "posix" else None
"""Where a local Ray keeps sockets, whose paths must be short."""
_STORE = 80 << 20
"""Bytes of Ray's store of objects, of which none is large: results are files."""


@contextmanager
def ray_pool(address: str, jobs: int, shared: Path, *, on_gpu: bool) -> Generator[Pool]:
    """A pool of one worker per processor core, or per GPU, of a Ray cluster.

    address: the cluster's; ``local`` starts one here, without a dashboard, that tells nobody and lets nobody in.
    jobs: at most so many workers; 0: as many as there is room for. shared: a folder that all its machines must see.
    Raises InputError where Ray is not installed or no cluster answers.
    """
    begun = _local_ray(jobs, on_gpu) if address == LOCAL else _cluster(address)
    with begun as ray, _token(shared) as token:
        resource = "GPU" if on_gpu else "CPU"
        slots = int(ray.cluster_resources().get(resource, 0))
        if not slots:
            raise InputError(f"{address}: this Ray has no {resource}", "ray")
        num_workers = min(jobs or slots, slots)
        cores = shares(num_workers) if address == LOCAL else [frozenset[int]()] * num_workers
        places = [_Place(str(Path.cwd()), token, share, versions(LIBRARIES)) for share in cores]
        needs = {"num_cpus": 1, "num_gpus": int(on_gpu)}
        with Pool([_RayWorker(ray, needs, place) for place in places]) as pool:
            yield pool


@contextmanager
def _local_ray(jobs: int, on_gpu: bool) -> Generator[Any]:
    """A Ray on this machine. It listens on the network, so it asks for a token that only its own processes know."""
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    room = {"num_cpus": jobs or suiting(on_gpu), "object_store_memory": _STORE, "include_dashboard": False}
    with (
        TemporaryDirectory(prefix="ray-", dir=_SHORT, ignore_cleanup_errors=True) as folder,
        _begun(LOCAL, token, _temp_dir=folder, **room) as ray,
    ):
        yield ray


def _cluster(address: str) -> AbstractContextManager[Any]:
    """A cluster that is there. Ray itself would ask for minutes at a place where nobody is."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():  # Ray says what is wrong with others
        try:
            socket.create_connection((host.strip("[]"), int(port)), _ANSWER).close()
        except (OSError, OverflowError) as error:
            raise InputError(f"{address}: no Ray answers there ({error})", "ray") from error
    return _begun(address)


_ANSWER = 10.0
"""Seconds that a machine of a cluster may take to answer."""


@contextmanager
def _begun(address: str, environment: Mapping[str, str] | None = None, **settings: Any) -> Generator[Any]:
    """Ray, joined or started. environment: for as long as it runs."""
    with _environment({"RAY_USAGE_STATS_ENABLED": "0", **(environment or {})}):
        ray, before = _library(), signal.getsignal(signal.SIGTERM)
        try:
            ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL, **settings)
        except (OSError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{address}: no Ray answers there ({reason:.200})", "ray") from error
        try:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, before)  # Ray sets its own
            yield ray
        finally:
            ray.shutdown()


def _library() -> Any:
    """Ray, which reads its environment when it is imported: here again, as it may have been before."""
    try:
        import ray
        from ray._raylet import AuthenticationTokenLoader, Config  # pyright: ignore[reportAttributeAccessIssue]
    except ImportError as error:
        raise InputError("Ray is not installed: pip install 'courtscribe[cluster]'", "ray") from error
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()
    return ray


@contextmanager
def _environment(values: Mapping[str, str]) -> Generator[None]:
    """Variables for the time of the context; what Ray sets besides goes with them."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        for name in [name for name in os.environ if name not in before]:
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _token(shared: Path) -> Generator[Path]:
    """A file in ``shared`` by which the cluster's machines tell that they see it."""
    path = shared.absolute() / f"{PART_PREFIX}{secrets.token_hex(6)}{PART_SUFFIX}"
    path.touch()
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Place:
    """What an actor must find where it works, as it is here."""

    folder: str
    """That paths are relative to."""
    token: Path
    cores: frozenset[int]
    """Those that it keeps to; empty: any, with one thread."""
    versions: dict[str, str]

    def missing(self) -> str:
        """What an actor in this process lacks, for a message; empty: nothing."""
        if not self.token.exists():
            return f"it does not see {self.token.parent}, which must be a folder that all machines share"
        other = sorted(name for name, version in versions(self.versions).items() if self.versions[name] != version)
        return f"it has another version of {', '.join(other)}" if other else ""


class _Actor:
    """Does jobs where Ray put it, and keeps the networks."""

    def __init__(self, place: _Place) -> None:
        self._place, self._models = place, Models()
        with suppress(OSError):
            os.chdir(place.folder)
        if place.cores:
            os.sched_setaffinity(0, place.cores)
        limit_threads(len(place.cores) or 1)

    def missing(self) -> str:
        """See ``_Place.missing``."""
        return self._place.missing()

    def do(self, job: Job) -> BaseException | None:
        """See ``outcome``."""
        return outcome(job, self._models)


class _RayWorker(Elsewhere):
    """An actor, started with its first job."""

    def __init__(self, ray: Any, needs: dict[str, int], place: _Place) -> None:
        super().__init__()
        self.losses = (ray.exceptions.RayError,)
        self._ray, self._needs, self._place = ray, needs, place
        self._actor: Any = None
        self._doing: Any = None

    def _begin(self, job: Job) -> None:
        self._doing = self._started().do.remote(job)

    def _is_done(self, seconds: float) -> bool:
        return bool(self._ray.wait([self._doing], timeout=seconds)[0])

    def _answer(self) -> BaseException | None:
        return self._ray.get(self._doing)

    def _started(self) -> Any:
        with self._lock:
            self._require_wanted()
            if self._actor is not None:
                return self._actor
            actor = self._actor = self._ray.remote(_Actor).options(**self._needs).remote(self._place)
        missing = self._ray.get(actor.missing.remote())  # waits as long as the cluster has no room
        if missing:
            with self._lock:
                self._end()
            raise InputError(f"a machine of the cluster cannot work: {missing}", "ray")
        return actor

    def _end(self) -> None:
        actor, self._actor = self._actor, None
        if actor is not None:
            self._ray.kill(actor)
