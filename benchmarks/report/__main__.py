"""How soon the report page is there, how smoothly it moves, how soon a key is seen, and whether its frames are right.

    python -m benchmarks.report --output benchmarks/results/report.md [--frames 300] [--no-vis]

Needs Debian's chromium; vis-timeline, which it is compared with, is fetched by npm into a temporary folder.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.report.large import MINUTES, PLAYERS, SEGMENTS, VIS, large_analysis, write_large, write_vis
from benchmarks.report.numbered import KINDS, analysis_of, numbers_in, write_numbered
from pipeline.report.write import write_report

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from provenance import write_result

_CHROMIUM = "/usr/bin/chromium"
_FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run"
)
_UNLIMITED = "--disable-frame-rate-limit --disable-gpu-vsync"
"""No limit of frames a second: the time between two is then what one costs."""
_COARSE = 10
"""Steps at once where both are compared: vis-timeline takes seconds for each."""
_LOADS = 7
_SIZE = {"width": 1440, "height": 900}
_OURS = """(step) => {
  const rows = document.querySelector('.rows'), box = rows.getBoundingClientRect();
  const at = {clientX: box.left + box.width / 2, clientY: box.top + 40, bubbles: true, cancelable: true};
  const wheel = (more) => rows.dispatchEvent(new WheelEvent('wheel', {...at, ...more}));
  if (step.zoom) wheel({deltaY: -200 * Math.log(step.zoom), ctrlKey: true});
  else wheel({deltaX: step.pan * box.width});
}"""
_LEAST = """(step) => {
  document.querySelector('.line').style.transform = `translateX(${600 * Math.random()}px)`;
}"""
_VIS = """(step) => {
  const {start, end} = timeline.getWindow(), length = end - start, middle = (+start + +end) / 2;
  const [from, to] = step.zoom
    ? [middle - length / 2 / step.zoom, middle + length / 2 / step.zoom]
    : [+start + step.pan * length, +end + step.pan * length];
  timeline.setWindow(from, to, {animation: false});
}"""
_MOVE = """async (steps) => {
  const move = %s;
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const took = [];
  await frame();
  let before = await frame();
  for (const step of steps) {
    move(step);
    await frame();
    const now = await frame();
    took.push((now - before) / 2);
    before = now;
  }
  return took;
}"""
_KEYS = [
    ".",
    ",",
    "n",
    "p",
    "ArrowDown",
    "ArrowUp",
    "b",
    "+",
    "-",
    "Shift+ArrowRight",
    "Shift+ArrowLeft",
    "c",
    "o",
    "x",
    "t",
]


def _steps(every: int = 1) -> list[dict[str, float]]:
    """Along, nearer to half a minute, along, farther, back, as a person searches; or every so many-th step."""
    way = [("pan", 0.02, 20), ("zoom", 1.06, 90), ("pan", 0.02, 90), ("zoom", 1 / 1.06, 60), ("pan", -0.02, 60)]
    return [
        {kind: size**every if kind == "zoom" else size * every}
        for kind, size, count in way
        for _ in range(count // every)
    ]


def _moved(page: Page, move: str, steps: list[dict[str, float]]) -> np.ndarray:
    """Milliseconds that each step's frame takes."""
    page.set_default_timeout(0)
    return np.array(page.evaluate(_MOVE % move, steps))


def _opened(browser: Browser, page: Path) -> tuple[Page, float, float]:
    """The page, and seconds until it paints first and until it can be used."""
    context = browser.new_context(viewport=_SIZE)
    opened = context.new_page()
    opened.add_init_script(
        "new MutationObserver((_, o) => { if (document.body?.dataset.ready) { o.disconnect();"
        "requestAnimationFrame(() => setTimeout(() => (self.usable = performance.now()))); } })"
        ".observe(document, {subtree: true, attributes: true, attributeFilter: ['data-ready']});"
    )
    opened.goto(page.as_uri(), timeout=0)
    while not opened.evaluate("self.usable ?? 0"):
        opened.wait_for_timeout(10)
    opened.wait_for_timeout(300)
    paint = opened.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    return opened, paint / 1000, opened.evaluate("self.usable") / 1000


def _keys(page: Page, rounds: int) -> np.ndarray:
    """Milliseconds from a key to the next picture of the screen, as the browser states it (Event Timing, in steps of 8;
    what it leaves out takes less than 16, and counts as 16)."""
    page.evaluate("""() => {
      [self.pressed, self.shown] = [[], new Map()];
      addEventListener('keydown', ({key, timeStamp}) => key !== 'Shift' && pressed.push(timeStamp), true);
      new PerformanceObserver((list) => list.getEntries().forEach((one) => shown.set(one.startTime, one.duration)))
        .observe({type: 'event', durationThreshold: 16});
    }""")
    for _ in range(rounds):
        for key in _KEYS:
            page.keyboard.press(key)
            page.wait_for_timeout(70)
    page.wait_for_timeout(500)
    return np.array(page.evaluate("pressed.map((time) => Math.max(shown.get(time) ?? 16, 16))"))


def _right_frames(browser: Browser, folder: Path, kind: str, count: int) -> tuple[int, list[str]]:
    """Of ``count`` moments, at how many video and boxes show the frame of that moment; and the others."""
    video = folder / f"{kind}.mp4"
    total = 1500
    write_numbered(video, kind, total, seed=3)
    analysis = analysis_of(video)
    output = folder / f"{kind}.html"
    write_report(analysis, output, colors=dict.fromkeys(range(1, 13), (250, 40, 250)))
    page, _, _ = _opened(browser, output)
    rng = np.random.default_rng(11)
    times = [*analysis.frames.time.tolist(), 2 * float(analysis.frames.time[-1]) - float(analysis.frames.time[-2])]
    right, wrong = 0, list[str]()
    for number in rng.integers(0, total, count).tolist():
        moment = times[number] + rng.uniform(0.05, 0.95) * (times[number + 1] - times[number])
        page.evaluate("(hash) => (location.hash = hash)", f"#t={moment:.4f}")
        end = time.monotonic() + 8  # long enough for frames that are walked to
        while page.evaluate("overlay.dataset.row") != str(number) and time.monotonic() < end:
            page.wait_for_timeout(5)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 80)))")
        shot = Image.open(io.BytesIO(page.locator("#screen").screenshot())).convert("RGB")
        shown = numbers_in(np.asarray(shot))
        right += shown == (number, number)
        if shown != (number, number):
            wrong.append(f"{kind}: asked for {number}, video {shown[0]}, boxes {shown[1]}")
    page.context.close()
    return right, wrong


def _both(milliseconds: np.ndarray, decimals: int) -> str:
    """95th percentile, and the median."""
    high, middle = np.percentile(milliseconds, [95, 50])
    return f"{high:.{decimals}f} ms ({middle:.{decimals}f})"


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--no-vis", action="store_true", help="do not compare with vis-timeline")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        folder = Path(work)
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS.split())
        unlimited = playwright.chromium.launch(executable_path=_CHROMIUM, args=[*_FLAGS.split(), *_UNLIMITED.split()])
        page = write_large(folder)
        lines, moved = _started(browser, page), _in_motion(unlimited, page)
        table = [*lines, *moved.lines]
        if not options.no_vis:
            table += _beside_vis(unlimited, folder, moved.coarse)
        wrong: list[str] = []
        for kind in KINDS:
            right, others = _right_frames(browser, folder, kind, options.frames)
            wrong += others
            table.append(f"| frames of random moments that are right, {kind} | {right} of {options.frames} | all |")
        head = [
            f"{SEGMENTS} actions in {PLAYERS} rows, {MINUTES} minutes; Chromium {browser.version}, headless, no GPU.",
            f"Other work on the machine when it moved: load {moved.load:.1f} over {os.cpu_count()} cores.",
            "",
            "| what | measured | wanted |",
            "|---|---|---|",
        ]
        browser.close()
        unlimited.close()
    write_result(options.output, "The report page", [*head, *table, *(["", *wrong] if wrong else [])])


def _started(browser: Browser, page: Path) -> list[str]:
    """How soon the page is there, how large it is, how soon a key is heard."""
    loads: list[tuple[float, float]] = []
    for _ in range(_LOADS):
        opened, paint, usable = _opened(browser, page)
        loads.append((paint, usable))
        keys = _keys(opened, 20) if len(loads) == _LOADS else np.empty(0)
        opened.context.close()
    (paint, usable), (latest, last) = np.median(loads, axis=0), np.max(loads, axis=0)
    boxes = sum(path.stat().st_size for path in (page.parent / "report").iterdir())
    return [
        f"| first paint, median of {_LOADS} (worst) | {paint:.2f} s ({latest:.2f}) | < 1 s |",
        f"| usable, median of {_LOADS} (worst) | {usable:.2f} s ({last:.2f}) | < 1.5 s |",
        f"| `report.html` | {page.stat().st_size / 1e6:.2f} MB | < 2 MB |",
        f"| boxes of {MINUTES} minutes, ten at a time, a file a minute | {boxes / 1e6:.1f} MB | |",
        f"| a key to its effect, p95 of {len(keys)} (median) | {_both(keys, 1)} | < 50 ms |",
    ]


class _Moved(NamedTuple):
    """How the page moves."""

    lines: list[str]
    coarse: np.ndarray
    """Milliseconds of frames with larger steps."""
    load: float
    """Of the machine before."""


def _in_motion(browser: Browser, page: Path) -> _Moved:
    opened, _, _ = _opened(browser, page)
    load = os.getloadavg()[0]
    least = _moved(opened, _LEAST, _steps())
    ours, coarse = _moved(opened, _OURS, _steps()), _moved(opened, _OURS, _steps(_COARSE))
    opened.context.close()
    lines = [
        f"| a frame of pan and zoom, p95 (median) | {_both(ours, 1)} | < 16.7 ms |",
        f"| a frame in which only the playhead moves, p95 (median) | {_both(least, 1)} | |",
    ]
    return _Moved(lines, coarse, load)


def _beside_vis(browser: Browser, folder: Path, ours: np.ndarray) -> list[str]:
    """The same data in another timeline; ours: milliseconds of our frames with the same steps."""
    shown, _, usable = _opened(browser, write_vis(folder, large_analysis(folder / "video.mp4")))
    vis = _moved(shown, _VIS, _steps(_COARSE))
    shown.context.close()
    high, middle = np.percentile(vis, [95, 50]) / np.percentile(ours, [95, 50])
    return [
        f"| {VIS}, pan and zoom in {len(vis)} larger steps, p95 (median) | {_both(vis, 0)} | |",
        f"| times as fast as {VIS} in these, p95 (median) | {high:.0f} ({middle:.0f}) | >= 20 |",
        f"| {VIS} usable after | {usable:.1f} s | |",
    ]


if __name__ == "__main__":
    main()
