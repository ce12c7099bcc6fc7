"""``batch``: many videos, each as ``analyze`` does it."""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.progress import choose_progress
from pipeline.runners.flags import ANALYZE_FLAGS, add_config, add_flags, add_quiet, add_work, chosen_config, say

if TYPE_CHECKING:
    from pipeline.config import PipelineConfig
    from pipeline.parts.pool import Pool


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser."""
    batch = subparsers.add_parser("batch", help="many videos, each as analyze does it; what is done stays done")
    batch.add_argument("videos", type=Path, metavar="LIST|FOLDER", help="a folder of videos, or a file with one a line")
    where = "folder for the results: one folder for each video, and report.csv"
    batch.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help=where)
    add_flags(batch, ANALYZE_FLAGS)
    add_work(batch, "annotated videos")
    batch.add_argument("--ray", metavar="ADDRESS", help="the address of a Ray cluster, or local to start one here")
    add_config(batch)
    add_quiet(batch)
    batch.set_defaults(run=run_batch)


def run_batch(options: argparse.Namespace) -> int:
    """``courtscribe batch``. Returns 1 where a video failed."""
    from ground.disk.lock import claim
    from pipeline.batch import run
    from pipeline.batch.report import REPORT_NAME, Report
    from pipeline.batch.videos import list_videos

    config = chosen_config(options)
    videos = list_videos(options.videos)
    batch = run.Batch(options.output, config, not options.no_video, not options.no_report, options.keep_parts)
    with claim(options.output):
        report = Report(options.output / REPORT_NAME, [video.source for video in videos])
        with _pool(options, config) as pool:
            failed = run.run_batch(batch, videos, report, pool, choose_progress(options.quiet, {"batch": 1.0}))
    say(options, f"{len(videos) - failed} of {len(videos)} videos are done: {options.output / REPORT_NAME}")
    return 1 if failed else 0


def _pool(options: argparse.Namespace, config: PipelineConfig) -> AbstractContextManager[Pool | None]:
    """Who makes the parts; None: this process."""
    from ground.compute.devices import resolve_device
    from pipeline.parts.pool import Pool
    from pipeline.parts.processes import ProcessWorker, shares
    from pipeline.parts.run import suiting

    on_gpu = resolve_device(config.device) != "cpu"
    if options.ray is not None:
        from pipeline.parts.cluster import ray_pool

        return ray_pool(options.ray, options.jobs, options.output, on_gpu=on_gpu)
    jobs = options.jobs or suiting(on_gpu)
    return Pool([ProcessWorker(cores) for cores in shares(jobs)]) if jobs > 1 else nullcontext()
