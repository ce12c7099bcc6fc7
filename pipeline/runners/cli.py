"""The command ``courtscribe``: reads flags, calls the library, turns bad input into one line and exit code 2."""

from __future__ import annotations

import argparse
import logging
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

from ground.compute.memory import give_memory_back
from pipeline.runners.streams import drop_output, one_line, open_streams

_LONGEST = 300
"""Letters of a message about flags."""


class _Parser(argparse.ArgumentParser):
    """argparse, but bad flags are one line like all bad input."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        if len(message) > _LONGEST:  # a pattern without quotes is a thousand names
            message = f"{message[:_LONGEST]}... (put a pattern of pictures in quotes)"
        sys.stderr.write(f"courtscribe: {one_line(message)}; see {self.prog} --help\n")
        sys.exit(2)


class _Once(logging.Filter):
    """What is found out about a video in every pass over it is said in the first."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is new."""
        message = record.getMessage()
        is_new = message not in self._seen
        self._seen.add(message)
        return is_new


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0; 2 for bad input or a system that fails, said in a line on stderr; 130 for Ctrl-C.

    Where the reader of standard output has gone, as ``head`` does, it is 1.
    """
    try:
        open_streams()
        give_memory_back()
        code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()  # here, where a full disk is a line
        return code
    except KeyboardInterrupt:
        sys.stderr.write("courtscribe: stopped\n")
        return 130
    except BrokenPipeError:
        drop_output()
        return 1
    except (OSError, UnicodeError, MemoryError) as error:
        drop_output()
        sys.stderr.write(f"courtscribe: {one_line(_about(error))}\n")
        return 2


def command() -> NoReturn:
    """What the installed command does: ``main``, then leave."""
    try:
        sys.exit(main())
    finally:
        # The interpreter takes a moment to take itself down and would die of a Ctrl-C then, though all is done.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _about(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "there is not enough memory for this"
    if isinstance(error, OSError):
        where = "" if error.filename is None else f"{error.filename}: "
        return f"{where}{error.strerror or error}; what was written before this is whole"
    return f"a name or a text that this system's encoding, {sys.getfilesystemencoding()}, cannot hold ({error})"


def make_parser() -> argparse.ArgumentParser:
    """All commands and their flags."""
    from pipeline.runners.judging import doctor, evaluate
    from pipeline.runners.learning import adapt, clips, train, weights
    from pipeline.runners.video import (
        analyze,
        batch,
        classify,
        demo,
        edit,
        export,
        label,
        plot,
        report,
        serve,
        sport,
        studio,
    )

    parser = _Parser(prog="courtscribe", description="A game video in, what every player did out.")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    looking = (
        analyze,
        batch,
        edit,
        label,
        studio,
        serve,
        classify,
        sport,
        evaluate,
        export,
        plot,
        report,
        demo,
        doctor,
    )
    for module in (*looking, adapt, clips, train, weights):
        module.add_commands(subparsers)
    return parser


def _run(arguments: Sequence[str]) -> int:
    # Imported here, where Ctrl-C is already caught: they take a moment.
    from ground.errors import InputError
    from pipeline.runners.flags import flag_of

    parser = make_parser()
    options = parser.parse_args(_join_negative(arguments))
    quiet = getattr(options, "quiet", False)
    lines = logging.StreamHandler(sys.stderr)
    lines.addFilter(_Once())
    logging.basicConfig(level=logging.ERROR if quiet else logging.WARNING, format="%(message)s", handlers=[lines])
    log = logging.getLogger("courtscribe")
    level = log.level
    log.setLevel(logging.ERROR if quiet else logging.INFO)
    before = _stop_on_terminate()
    try:
        if "" in arguments:
            raise InputError("an argument is empty; is a variable of the shell not set?")
        return int(options.run(options))
    except InputError as error:
        flag = flag_of(error.setting, parser)
        sys.stderr.write(f"courtscribe: {one_line(str(error))}{flag and f' ({flag})'}\n")
        return 2
    finally:
        log.setLevel(level)  # a test or a program may call ``main`` and go on
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _join_negative(arguments: Sequence[str]) -> list[str]:
    """``--roi -5,10,50,50`` as ``--roi=-5,10,50,50``: argparse takes a leading minus for a flag."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] == "--roi" and re.match(r"-\d", argument):
            joined[-1] = f"--roi={argument}"
        else:
            joined.append(argument)
    return joined


def _stop_on_terminate() -> Any:
    """Let SIGTERM clean up like Ctrl-C; only the main thread may set it."""

    def stop(*_: object) -> NoReturn:
        with suppress(OSError, ValueError):
            sys.stderr.write("courtscribe: stopped\n")
        raise SystemExit(143)

    try:
        return signal.signal(signal.SIGTERM, stop)
    except ValueError:
        return None


if __name__ == "__main__":
    command()
