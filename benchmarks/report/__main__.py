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
        size = page.stat().st_size
        boxes = sum(path.stat().st_size for path in (folder / "report").iterdir())
        loads = []
        for _ in range(7):
            opened, paint, usable = _opened(browser, page)
            loads.append((paint, usable))
            if len(loads) < 7:
                opened.context.close()
        paint, usable = np.median(loads, axis=0)
        keys = _keys(opened, 20)
        opened.context.close()
        opened, _, _ = _opened(unlimited, page)
        load = os.getloadavg()[0]
        least = _moved(opened, _LEAST, _steps())
        ours, coarse = _moved(opened, _OURS, _steps()), _moved(opened, _OURS, _steps(_COARSE))
        opened.context.close()
        lines = [
            f"{SEGMENTS} actions in {PLAYERS} rows, {MINUTES} minutes; Chromium {browser.version}, headless, no GPU.",
            f"Other work on the machine when it moved: load {load:.1f} over {os.cpu_count()} cores.",
            "",
            "| what | measured | wanted |",
            "|---|---|---|",
            f"| first paint, median of {len(loads)} (worst) | {paint:.2f} s ({max(p for p, _ in loads):.2f}) | < 1 s |",
            f"| usable, median of {len(loads)} (worst) | {usable:.2f} s ({max(u for _, u in loads):.2f}) | < 1.5 s |",
            f"| `report.html` | {size / 1e6:.2f} MB | < 2 MB |",
            f"| boxes of {MINUTES} minutes, ten at a time, a file a minute | {boxes / 1e6:.1f} MB | |",
            f"| a frame of pan and zoom, p95 (median) | {_both(ours, 1)} | < 16.7 ms |",
            f"| a frame in which only the playhead moves, p95 (median) | {_both(least, 1)} | |",
            f"| a key to its effect, p95 of {len(keys)} (median) | {_both(keys, 1)} | < 50 ms |",
        ]
        if not options.no_vis:
            vis_page = write_vis(folder, large_analysis(folder / "video.mp4"))
            shown, _, vis_usable = _opened(unlimited, vis_page)
            vis = _moved(shown, _VIS, _steps(_COARSE))
            shown.context.close()

            def ratio(share: float) -> float:
                return float(np.percentile(vis, share) / np.percentile(coarse, share))

            lines += [
                f"| {VIS}, pan and zoom in {len(vis)} larger steps, p95 (median) | {_both(vis, 0)} | |",
                f"| times as fast as {VIS} in these, p95 (median) | {ratio(95):.0f} ({ratio(50):.0f}) | >= 20 |",
                f"| {VIS} usable after | {vis_usable:.1f} s | |",
            ]
        wrong: list[str] = []
        for kind in KINDS:
            right, others = _right_frames(browser, folder, kind, options.frames)
            wrong += others
            lines.append(f"| frames of random moments that are right, {kind} | {right} of {options.frames} | all |")
        browser.close()
        unlimited.close()
    write_result(options.output, "The report page", [*lines, *(["", *wrong] if wrong else [])])


if __name__ == "__main__":
    main()
