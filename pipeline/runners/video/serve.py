"""``serve`` and ``token``: a service that analyses what it is sent, and who may use it."""

from __future__ import annotations

import argparse
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ground.errors import InputError
from pipeline.runners.flags import add_quiet

NOT_OFFERED = ("classifier.weights",)
"""Settings that name files of this machine, which nobody from outside may."""
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def add_commands(subparsers: Any) -> None:
    """Add this module's commands to the parser."""
    _add_serve(subparsers)
    _add_token(subparsers)


def _add_serve(subparsers: Any) -> None:
    serve = subparsers.add_parser("serve", help="a service: videos in over the network, jobs, results out")
    _add_data(serve)
    serve.add_argument("--host", default="127.0.0.1", help="address that it listens at (default: this machine alone)")
    serve.add_argument("--port", type=int, default=8766, metavar="N", help="where it listens (default: 8766)")
    serve.add_argument("--workers", type=int, default=1, metavar="N", help="jobs at once (default: 1)")
    serve.add_argument(
        "--max-upload", type=bytes_of, default=20 * 10**9, metavar="BYTES", help="of a video (default: 20G)"
    )
    serve.add_argument("--max-minutes", type=float, default=240.0, metavar="X", help="of a video (default: 240)")
    pixels = "of a picture of a video, width times height (default: 4096 x 2304)"
    serve.add_argument("--max-pixels", type=int, default=4096 * 2304, metavar="N", help=pixels)
    serve.add_argument("--max-queue", type=int, default=100, metavar="N", help="jobs that wait (default: 100)")
    expiry = "hours after which an upload that nobody goes on with is removed (default: 24)"
    serve.add_argument("--expiry", type=float, default=24.0, metavar="X", help=expiry)
    private = "fetch videos from this machine's own network, too"
    serve.add_argument("--allow-private-urls", action="store_true", help=private)
    pages = "fetch videos from pages that hold one, too, through yt-dlp (extra web)"
    serve.add_argument("--fetch-pages", action="store_true", help=pages)
    behind = "address of the proxy in front, whose word about clients' addresses is taken (default: 127.0.0.1)"
    serve.add_argument("--behind", default="127.0.0.1", metavar="ADDRESS", help=behind)
    add_quiet(serve)
    serve.set_defaults(run=run_serve)


def _add_token(subparsers: Any) -> None:
    token = subparsers.add_parser("token", help="who may use the service: add, list, revoke")
    which = token.add_subparsers(required=True, metavar="WHAT")
    add = which.add_parser("add", help="a new token; it is shown once")
    add.add_argument("name", help="whose it is")
    _add_data(add)
    add.add_argument("--scopes", default="read,write", help="what it may do (default: read,write)")
    add.add_argument("--bytes", type=bytes_of, default=100 * 10**9, help="of videos kept (default: 100G)")
    add.add_argument("--jobs", type=int, default=20, metavar="N", help="that wait or run at a time (default: 20)")
    minutes = "of video analysed in 24 hours (default: 1440)"
    add.add_argument("--minutes", type=float, default=1440.0, metavar="X", help=minutes)
    add.set_defaults(run=run_add)
    several = which.add_parser("list", help="the tokens that there are")
    _add_data(several)
    several.set_defaults(run=run_list)
    revoke = which.add_parser("revoke", help="take a token away; it works no longer from now on")
    revoke.add_argument("name", help="its name or id, as list shows it")
    _add_data(revoke)
    revoke.set_defaults(run=run_revoke)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder that the service keeps")


def bytes_of(text: str) -> int:
    """``500M``, ``20G`` as bytes. Raises ArgumentTypeError."""
    number, unit = (text[:-1], text[-1].lower()) if text[-1:].isalpha() else (text, "")
    try:
        return round(float(number) * _UNITS[unit])
    except (LookupError, ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"{text} is no number of bytes, such as 500M or 20G") from error


def run_serve(options: argparse.Namespace) -> int:
    """``courtscribe serve``."""
    _require_libraries()
    from ground.disk.lock import claim
    from pipeline.runners.offered import offered
    from pipeline.serve.server import serve
    from pipeline.serve.settings import ServeSettings
    from pipeline.studio.serve import listen

    settings = ServeSettings(
        data=options.data.absolute(),
        workers=options.workers,
        command=(sys.executable, "-m", "pipeline.runners.cli"),
        fields=tuple(field for field in offered() if field.setting not in NOT_OFFERED),
        most_upload_bytes=options.max_upload,
        most_seconds=options.max_minutes * 60,
        most_pixels=options.max_pixels,
        most_queue=options.max_queue,
        upload_expiry_hours=options.expiry,
        allow_private_urls=options.allow_private_urls,
        fetch_pages=options.fetch_pages,
        trusted_proxies=options.behind,
    )
    with claim(settings.data), listen(options.port, options.host) as listener:
        host, port = listener.getsockname()[:2]
        if not options.quiet:
            sys.stdout.write(f"service: http://{host}:{port}/, data in {settings.data}; Ctrl-C ends it\n")
            sys.stdout.flush()
        serve(settings, listener)
    return 0


def run_add(options: argparse.Namespace) -> int:
    """``courtscribe token add``."""
    tokens = _tokens(options)
    scopes = [scope.strip() for scope in options.scopes.split(",")]
    quotas = {"most_bytes": options.bytes, "most_jobs": options.jobs, "most_minutes": options.minutes}
    sys.stdout.write(tokens.add(options.name, scopes, **quotas) + "\n")
    sys.stderr.write("keep it now: only a hash of it is stored\n")
    return 0


def run_list(options: argparse.Namespace) -> int:
    """``courtscribe token list``."""
    for caller, made in _known_tokens(options).list():
        when = time.strftime("%Y-%m-%d", time.localtime(made))
        may = f"{','.join(sorted(caller.scopes))}, {caller.most_bytes / 1e9:g} GB, {caller.most_jobs} jobs"
        sys.stdout.write(f"{caller.token_id}  {when}  {caller.name}: {may}, {caller.most_minutes:g} minutes a day\n")
    return 0


def run_revoke(options: argparse.Namespace) -> int:
    """``courtscribe token revoke``."""
    _known_tokens(options).revoke(options.name)
    return 0


def _known_tokens(options: argparse.Namespace) -> Any:
    """Of a folder that is a service's already: none is made of a name that was mistyped. Raises InputError."""
    _require_libraries()
    from pipeline.serve.database import NAME

    if not (options.data / NAME).is_file():
        raise InputError(f"{options.data}: is no folder of a service; token add makes one", "data")
    return _tokens(options)


def _tokens(options: argparse.Namespace) -> Any:
    _require_libraries()
    from pipeline.serve.database import Database
    from pipeline.serve.tokens import TOKENS_SCHEMA, Tokens

    return Tokens(Database(options.data, TOKENS_SCHEMA))


def _require_libraries() -> None:
    if sys.platform == "win32":
        raise InputError("the service needs Linux or macOS; the studio works on Windows, too")
    if missing := [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]:
        raise InputError(f"the service needs {' and '.join(missing)}: pip install {' '.join(missing)}")
