"""``edit``: correct an analysis; everything that is shown of it follows, without any model."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.progress import choose_progress
from pipeline.runners.flags import add_no_report, add_quiet, say

if TYPE_CHECKING:
    from pipeline.analysis.values import Analysis
    from pipeline.edits.draft import Draft

_log = logging.getLogger("courtscribe")

_FLAGS: dict[str, tuple[str, str]] = {
    "rename": ("PLAYER=NAME", "call a player by a name; an empty one gives him his number again"),
    "merge": ("A,B", "several are one player, the first"),
    "split": ("PLAYER@TIME", "from then on he is somebody else"),
    "swap": ("A,B@TIME", "from then on the two change places"),
    "drop": ("PLAYER", "do not show him"),
    "referee": ("PLAYER", "he is a referee, and not shown"),
    "restore": ("PLAYER", "show him again"),
    "team": ("PLAYER=TEAM", "he is of this team, by its name or as A or B; an empty one: of neither"),
    "relabel": ("PLAYER@START-END=LABEL", "what he really does from START to END"),
    "edge": ("PLAYER@FROM-TO", "the edge between two of his actions that is at FROM is really at TO"),
}
"""Edits with a value; players by name or number, times in seconds or as 1:02.5."""


class _InOrder(argparse.Action):
    """Keeps edits in the order in which they were given."""

    def __call__(self, _parser: Any, namespace: argparse.Namespace, values: Any, option: str | None = None) -> None:
        """Append the edit."""
        done = list[tuple[str, str]](getattr(namespace, "edits", None) or [])
        namespace.edits = [*done, (str(option).lstrip("-"), values or "")]


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser."""
    edit = subparsers.add_parser("edit", help="correct an analysis: names, identities, labels; undo and redo")
    edit.add_argument("analysis", type=Path, help="the folder of an analysis")
    for flag, (form, text) in _FLAGS.items():
        edit.add_argument(f"--{flag}", action=_InOrder, dest="edits", metavar=form, help=text)
    from_file = "labels as a person corrected them in another program: a file that export wrote, or one like it"
    edit.add_argument("--from", action=_InOrder, dest="edits", metavar="FILE", help=from_file)
    for flag, text in (("undo", "take back the last edit"), ("redo", "do again what was taken back")):
        edit.add_argument(f"--{flag}", action=_InOrder, dest="edits", nargs=0, help=text)
    edit.add_argument("--render", action="store_true", help="make the annotated video again, too")
    edit.add_argument("--video", help="where the analysed video is now, if it has been moved")
    add_no_report(edit)
    add_quiet(edit)
    edit.set_defaults(run=run_edit)


def run_edit(options: argparse.Namespace) -> int:
    """``courtscribe edit``; without edits it lists those that count."""
    from ground.disk.lock import claim
    from pipeline.analysis.folder import load_analysis
    from pipeline.edits.draft import Draft
    from pipeline.edits.log import append_edits, read_edits
    from pipeline.outputs.names import VIDEO_NAME
    from pipeline.outputs.write import write_current

    wanted: Sequence[tuple[str, str]] = options.edits or ()
    if not wanted and not options.render:
        _list(Draft(load_analysis(options.analysis), read_edits(options.analysis)).edits)
        return 0
    with claim(options.analysis):
        analysis = load_analysis(options.analysis)
        draft = Draft(analysis, read_edits(options.analysis))
        for kind, text in wanted:
            # All of them before any is kept: a slip in the last one changes nothing.
            if kind == "from":
                _add_differences(draft, Path(text))
            else:
                draft.add(kind, text)
        if options.render:
            _require_video(analysis, options.video)
        elif not draft.added:
            say(options, "0 edits; all stays as it was")
            return 0
        if draft.added:
            append_edits(options.analysis, draft.added)
        had_video = (options.analysis / VIDEO_NAME).exists()
        written = write_current(
            analysis,
            options.analysis,
            choose_progress(options.quiet),
            with_video=options.render,
            with_report=not options.no_report,
            video=options.video,
        )
    count = len(draft.added)
    say(options, f"{count} edit{'s' * (count != 1)}; written again: {', '.join(path.name for path in written)}")
    if had_video and not options.render:
        say(options, f"{VIDEO_NAME} showed what was before and is removed; --render makes it again")
    return 0


def _require_video(analysis: Analysis, video: str | None) -> None:
    """Raise InputError where the annotated video cannot be made, while nothing is kept yet."""
    from ground.errors import InputError
    from pipeline.outputs.write import require_analysed

    try:
        require_analysed(analysis, video or analysis.video.source)
    except InputError as error:
        if video is not None:
            raise
        raise InputError(f"{error}; say where the analysed video is now", setting="video") from error


def _add_differences(draft: Draft, path: Path) -> None:
    number, notes = draft.add_differences(path)
    for note in notes:
        _log.warning("%s: %s", path, note)
    _log.info("%s: differs in %d place%s", path, number, "s" * (number != 1))


def _list(edits: Sequence[Any]) -> None:
    import sys

    from pipeline.edits.log import effective

    lines = [f"{number:4d} {_as_flag(edit)}\n" for number, edit in enumerate(effective(edits), 1)]
    sys.stdout.write("".join(lines) or "no edits\n")


def _as_flag(edit: Any) -> str:
    """An edit about as it was given; players by the numbers that they had."""
    if edit.parts:
        return "; ".join(_as_flag(part) for part in edit.parts)
    span = "-".join(f"{time:g}" for time in (edit.time, edit.end) if time is not None)
    who = ",".join(str(who.track_id) for who in edit.who)
    return f"{edit.kind} {who}{'@' * bool(span)}{span}{'' if edit.text is None else f'={edit.text}'}"
