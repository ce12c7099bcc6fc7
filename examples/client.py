"""Have a service analyse a video: upload it, wait, fetch the results. Any break is gone on with.

    COURTSCRIBE_TOKEN=cs_... python examples/client.py http://127.0.0.1:8766 game.mp4 results

Needs nothing but Python. What is known of an unfinished run is kept in the folder of the results, so the same command
after a break, of the network or of this program, goes on where it was.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

PIECE = 8 << 20
"""Bytes that are sent at once, with a checksum."""
PATIENCE = 20
"""Tries in a row without getting further."""


class Service:
    """A service and whose token is used there."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self._token = urlsplit(url.rstrip("/")), token
        self.got_further = False

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> HTTPResponse:
        """The answer, to be read. Raises OSError or HTTPException where there is none yet, SystemExit for a refusal."""
        kind = HTTPSConnection if self.url.scheme == "https" else HTTPConnection
        connection = kind(self.url.hostname or "", self.url.port, timeout=60)
        about = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, self.url.path + path, body, {"Authorization": f"Bearer {self._token}", **about})
        answer = connection.getresponse()
        if answer.status in (408, 409, 423, 429, 460) or answer.status >= 500:
            time.sleep(min(float(answer.headers["retry-after"] or 0), 60))
            raise ConnectionError(f"{answer.status} {answer.read().decode()}")
        if answer.status >= 400 and not (method == "HEAD" and answer.status in (404, 410)):
            sys.exit(f"refused: {json.loads(answer.read())['detail']}")
        return answer

    def ask_json(self, method: str, path: str, **content: Any) -> Any:
        """The same, of and as JSON."""
        body = json.dumps(content).encode() if content else None
        return json.loads(self.ask(method, path, body, Content_Type="application/json").read())


class State:
    """What is known of a run, on disk; of another video, nothing."""

    def __init__(self, path: Path, video: Path) -> None:
        self._path, self._fingerprint = path, fingerprint(video)
        self.known: dict[str, str] = {}
        if path.exists() and (kept := json.loads(path.read_text(encoding="utf-8")))["fingerprint"] == self._fingerprint:
            self.known = kept["known"]

    def keep(self, **known: str) -> None:
        """Know more from now on."""
        self.known |= known
        part = self._path.with_suffix(".part")
        known_now = {"fingerprint": self._fingerprint, "known": self.known}
        part.write_text(json.dumps(known_now), encoding="utf-8")
        part.replace(self._path)

    def forget(self) -> None:
        """It is over."""
        self._path.unlink(missing_ok=True)


def fingerprint(video: Path) -> str:
    """By what the same file is known again, without reading gigabytes."""
    facts = video.stat()
    with video.open("rb") as file:
        return hashlib.sha256(f"{facts.st_size} {facts.st_mtime_ns}".encode() + file.read(1 << 20)).hexdigest()


def upload(service: Service, video: Path, state: State) -> str:
    """-> the id of the video at the service."""
    offset, size = resumed(service, state), video.stat().st_size
    if offset is None:
        name = base64.b64encode(os.fsencode(video.name)).decode()
        about = {"Upload_Length": str(size), "Upload_Metadata": f"filename {name}"}
        answer = service.ask("POST", "/videos", Tus_Resumable="1.0.0", **about)
        state.keep(video=str(answer.headers["location"]))
        offset = 0
    send(service, video, state.known["video"], offset)
    return state.known["video"].rpartition("/")[2]


def resumed(service: Service, state: State) -> int | None:
    """How far an earlier upload came; None: there is none."""
    if "video" not in state.known:
        return None
    answer = service.ask("HEAD", state.known["video"], Tus_Resumable="1.0.0")
    return int(answer.headers["upload-offset"]) if answer.status == 200 else None


def send(service: Service, video: Path, place: str, offset: int) -> None:
    """Send from ``offset`` on, piece by piece."""
    with video.open("rb") as file:
        file.seek(offset)
        while piece := file.read(PIECE):
            digest = base64.b64encode(hashlib.sha256(piece).digest()).decode()
            service.ask(
                "PATCH", place, piece,
                Content_Type="application/offset+octet-stream", Tus_Resumable="1.0.0",
                Upload_Offset=str(offset), Upload_Checksum=f"sha256 {digest}",
            )  # fmt: skip
            offset += len(piece)
            service.got_further = True
            print(f"sent {offset / video.stat().st_size:.0%}")


def wait(service: Service, job: str, state: State) -> str:
    """Follow the job's events, from the last one that is known -> how it ended."""
    last = {"Last_Event_ID": state.known["event"]} if "event" in state.known else {}
    with service.ask("GET", f"/jobs/{job}/events", **last) as answer:
        for number, kind, data in events(answer):
            state.keep(event=number)
            service.got_further = True
            if kind == "progress":
                print(f"{data['stage']} {data['progress']:.0%}")
    told = service.ask_json("GET", f"/jobs/{job}")
    if told["state"] in ("queued", "running"):
        raise ConnectionError("the events broke off")
    print(f"{told['state']}: {told['reason']}" if told["reason"] else told["state"])
    return str(told["state"])


def events(answer: HTTPResponse) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Server-sent events: id, kind, data."""
    fields: dict[str, str] = {}
    for raw in answer:
        line = raw.decode().rstrip("\r\n")
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            yield fields["id"], fields["event"], json.loads(fields["data"])
            fields = {}


def fetch(service: Service, job: str, folder: Path) -> None:
    """Have the results in ``folder``, each whole."""
    for result in service.ask_json("GET", f"/jobs/{job}/results"):
        path = place_of(folder, result["name"])
        part = path.with_name(f"{path.name}.part")
        there = part.stat().st_size if part.exists() else 0
        if there < result["bytes"]:
            headers = {"Range": f"bytes={there}-"} if there else {}
            with service.ask("GET", quote(result["url"]), **headers) as answer, part.open("ab") as file:
                file.truncate(there if answer.status == 206 else 0)
                while block := answer.read1(1 << 18):
                    file.write(block)
        if part.exists() and part.stat().st_size < result["bytes"]:
            raise ConnectionError(f"{path.name} broke off")
        part.touch()
        part.replace(path)
        service.got_further = True
        print(path)


def place_of(folder: Path, name: str) -> Path:
    """Where a result goes, as report/boxes-0000.js to a folder of its own; nothing goes outside."""
    path = folder / name
    if folder.resolve() not in path.resolve().parents:
        raise SystemExit(f"the service names a result that is no place in {folder}: {name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def run(service: Service, video: Path, folder: Path) -> str:
    """One video from here to its results -> how its job ended."""
    state = State(folder / "unfinished.json", video)
    if "job" not in state.known:
        video_id = upload(service, video, state)
        state.keep(job=service.ask_json("POST", "/jobs", video=video_id)["id"])
    ended = wait(service, state.known["job"], state)
    if ended == "done":
        fetch(service, state.known["job"], folder)
    state.forget()
    return ended


def main() -> None:
    """Run, and go on after breaks."""
    parser = argparse.ArgumentParser(description="Have a service analyse a video.")
    parser.add_argument("service", help="as http://127.0.0.1:8766")
    parser.add_argument("video", type=Path)
    parser.add_argument("folder", type=Path, help="for the results")
    options = parser.parse_args()
    if not options.service.startswith(("http://", "https://")):
        parser.error("the service's address begins with http:// or https://")
    if not options.video.is_file():
        parser.error(f"{options.video}: no such file")
    if not (token := os.environ.get("COURTSCRIBE_TOKEN")):
        parser.error("a token is needed in COURTSCRIBE_TOKEN")
    service = Service(options.service, token)
    options.folder.mkdir(parents=True, exist_ok=True)
    tries = 0
    while tries < PATIENCE:
        try:
            sys.exit(0 if run(service, options.video, options.folder) == "done" else 1)
        except (OSError, HTTPException) as error:
            tries, service.got_further = (0 if service.got_further else tries + 1), False
            print(f"{error}; going on in a moment", file=sys.stderr)
            time.sleep(min(0.2 * 2**tries, 30))
    sys.exit("given up for now; the same command goes on")


if __name__ == "__main__":
    main()
