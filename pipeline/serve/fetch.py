"""One video fetched from an address, in a process of its own: ``python -m pipeline.serve.fetch``.

It is told what to do in one line of JSON, ends when its input does, and says in JSON why it could not, or nothing, and
what people call the video, where its page says so.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ground.errors import InputError
from pipeline.serve.appending import remove_file
from pipeline.serve.limits import limit
from pipeline.serve.public import only_public
from pipeline.web.download import BLOCK, PageError, download

_MOST_MEMORY = 3 << 30
"""Bytes of address space."""
_LONGEST_TITLE = 200
"""Letters."""


def _fetch_page(url: str, path: Path, most_bytes: int) -> str:
    """Fetch -> its title."""
    from pipeline.web.fetch import fetch as fetch_video
    from pipeline.web.fetch import look_at

    folder = path.with_name(f"{path.name}.page")
    fetched = fetch_video(look_at(url), folder, most_bytes=most_bytes)
    fetched.path.replace(path)
    remove_file(folder)
    return fetched.title[:_LONGEST_TITLE]


def _run(order: Mapping[str, Any]) -> dict[str, str]:
    """Do what is told -> ``error``, why it could not be, empty: it is done; ``title``, empty where there is none."""
    title = ""
    url, path, most_bytes = str(order["url"]), Path(order["path"]), int(order["most_bytes"])
    limit(_MOST_MEMORY, most_bytes + BLOCK)
    if not order["allow_private"]:
        _without_proxies()
        only_public()
    try:
        try:
            download(url, path, most_bytes)
        except PageError:
            if not order["pages"]:
                return {"error": "answers with a page and not with a video; only addresses of videos are fetched here"}
            title = _fetch_page(url, path, most_bytes)
    except (InputError, OSError) as error:
        return {"error": str(error)}
    return {"error": "", "title": title}


def _without_proxies() -> None:
    """A proxy would go for us to where we may not."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]


def _end_with_input() -> None:
    """The service that wanted it is gone when the input ends."""
    with suppress(OSError, ValueError):
        sys.stdin.buffer.read()
    os._exit(1)


def main() -> None:
    """The process."""
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    said = _run(order)
    sys.stdout.write(json.dumps(said))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
