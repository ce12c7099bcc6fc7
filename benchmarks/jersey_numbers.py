"""Numbers on shirts: the training of the network that reads them, what it reads in cut-out numbers, and in games.

python -m benchmarks.jersey_numbers train SHARED -o WEIGHTS [--start-from WEIGHTS] [--seed N]
python -m benchmarks.jersey_numbers judge SHARED [--weights WEIGHTS] [--package MODEL.onnx] [-o RESULT]

What is learnt from: the parts ``train`` and ``valid`` of ``jersey_numbers``, and trunks of referees and legs of
Basketball Players v17 as what shows no number. The part ``test`` is judged; its games are those of the others.
MODEL.onnx is the recogniser of a package such as rapidocr, restricted to digits, to compare with.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.provenance import DETECTOR, write_result
from benchmarks.text_package import Package
from ground.disk.tables import read_rows
from ground.frames import Image
from ground.video.source import open_video
from pipeline.analysis.values import Drawn, Frames, Players
from pipeline.analyze import track_players
from pipeline.config import PipelineConfig
from pipeline.models import Models
from pipeline.progress import Silent
from pipeline.shipped import NUMBER_WEIGHTS, WEIGHTS
from pipeline.stages.detect import Detected, detect_players
from tracker.boxes import Float64Array
from tracker.evaluate.scores import covering_ids, evaluate_tracks
from tracker.files.mot import read_truth
from tracker.looks.samples import hidden_share
from tracker.numbers.drawn import SIDE, Cut, Sample, draw, seen
from tracker.numbers.reader import TEXTS, NumberReader, cut_trunk, likelihoods, load_number_network, reading_of
from tracker.numbers.train import Lessons, train_numbers
from tracker.numbers.votes import NumbersConfig
from tracker.types import FloatArray, Tracks

GAMES = {
    "IND-NYK": dict(enumerate(("11", "32", "25", "3", "8", "26", "43", "1", "23", "0"), start=1)),
    "NYK-BOS": dict(enumerate(("3", "11", "23", "25", "32", "4", "7", "9", "40", "42"), start=1)),
}
"""What the players of the games with truth wear, by their ids there: read by eye, but for the 42 of NYK-BOS, which can
be read in no frame, and the 8 of IND-NYK, which may be a 0."""
CERTAINTIES = (0.5, 0.8, 0.9)
CONFIDENCES = (0.2, 0.25, 0.3)
_STEP, _HIDDEN = 5, 0.3
"""Frames from one view to the next, and share of a box that others may cover in it."""
_CUTS, _AWAY = (100, 150), 20
"""Frames at which a cut is made in games that have none, and how many are left out there."""
_CHEST = (slice(16, 76), slice(26, 86))
"""Where on a trunk a number is looked for by the package, which does not say where it is."""
_WRONG = {"6", "20"}
"""Folders of ``jersey_numbers`` whose labels are not what their pictures show."""
_STRETCHED = (1138, 640)
_PLAYER, _REFEREE = 4, 5
"""Classes of Basketball Players v17."""
_BY_EYE = Path(__file__).with_name("numbers_by_eye.csv")
_OFTEN = 20
"""Parts of each trunk that was looked at."""
_SMALLEST = 70
"""Pixels of a person's height."""


def cuts(shared: Path, parts: Sequence[str]) -> list[Cut]:
    """The numbers of some parts of ``jersey_numbers``."""
    folder = shared / "jersey_numbers"
    rows = [row for _, row in read_rows(folder / "labels.csv", ("file", "label", "group"))]
    images = [
        (_read(folder / row["file"]), row) for row in rows if row["group"] in parts and row["label"] not in _WRONG
    ]
    return [Cut(image, row["label"], 0.06 * len(image)) for image, row in images]


def empty(shared: Path) -> Iterator[Image]:
    """What shows no number: trunks of referees, legs of players, crowd, each as large as a player's trunk."""
    rng = np.random.default_rng(0)
    for _, image, people in pictures(shared):
        for box, kind in people.values():
            height = box[3] - box[1]
            if height >= _SMALLEST:
                down = 0 if kind == _REFEREE else height / 2
                yield cut_trunk(image, box + np.array([0, down, 0, down]))
        left, top, height = rng.uniform(100, 1000), rng.uniform(-20, 30), rng.uniform(100, 220)
        yield cut_trunk(image, np.array([left, top, left + 60, top + height]))


def by_eye(shared: Path, rng: np.random.Generator) -> Iterator[Sample]:
    """Parts of the players' trunks of Basketball Players v17 that were read by eye, some often."""
    read: dict[str, list[dict[str, str]]] = {}
    for _, row in read_rows(_BY_EYE, ("picture", "line", "number", "x", "y")):
        read.setdefault(row["picture"], []).append(row)
    for name, image, people in pictures(shared):
        for row in read.get(name, []):
            trunk = cut_trunk(image, people[int(row["line"])][0])
            for _ in range(_OFTEN):
                yield seen(rng, trunk, row["number"], float(row["x"]), float(row["y"]))


def pictures(shared: Path) -> Iterator[tuple[str, Image, dict[int, tuple[Float64Array, int]]]]:
    """The pictures of Basketball Players v17: name, pixels, box (4,) and class of each person by line."""
    for path in sorted((shared / "detection" / "basketball_players_17").rglob("*.jpg")):
        label = path.parents[1].with_name("labels") / path.parent.name / f"{path.stem}.txt"
        lines = [list(map(float, line.split()[:5])) for line in label.read_text(encoding="utf-8").splitlines()]
        people = {i: (_corners(line), int(line[0])) for i, line in enumerate(lines) if line[0] in (_PLAYER, _REFEREE)}
        if people:
            yield path.name, cv2.resize(_read(path), _STRETCHED, interpolation=cv2.INTER_AREA), people


def _corners(line: list[float]) -> Float64Array:
    x, y, w, h = np.array(line[1:]) * np.tile(_STRETCHED, 2)
    return np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])


def _read(path: Path) -> Image:
    return np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])


def train(options: argparse.Namespace) -> None:
    """Train the network."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rng = np.random.default_rng(options.seed)
    real, nothing = cuts(options.shared, ("train", "valid")), list(empty(options.shared))
    drawn = [draw(rng, real, nothing) for _ in range(options.pictures)]
    lessons = Lessons.of([*drawn, *by_eye(options.shared, rng)])
    train_numbers(lessons, options.output, options.steps, options.start_from, options.seed)


def judge(options: argparse.Namespace) -> None:
    """Judge the network, the package's and the whole."""
    reader, models = NumberReader(options.weights), Models()
    package = Package(options.package) if options.package else None
    lines = [*_cut_out(options.shared, options.weights, package), *_views(options.shared, reader, package)]
    for game in GAMES:
        lines += _game(options.shared, game, models)
    write_result(options.output, "Numbers on shirts", lines, [options.weights, *DETECTOR])


def _cut_out(shared: Path, weights: Path, package: Package | None) -> list[str]:
    """Numbers cut out closely, of the part ``test``."""
    network, judged = load_number_network(weights), cuts(shared, ("test",))
    said = {"ours": [(cut.text, *_told(network, cut.image)) for cut in judged]}
    if package is not None:
        said["the package's"] = [(cut.text, *package.read(cut.image)) for cut in judged]
    return ["", f"## {len(judged)} numbers cut out closely", "", *_table(said)]


def _told(network: Any, image: Image) -> tuple[str, float]:
    """What a number fills the picture with: it is brought to a height of 22 pixels and goes on around as it ends."""
    import torch

    width = round(22 * image.shape[1] / image.shape[0])
    small = cv2.resize(image, (min(width, 44), 22), interpolation=cv2.INTER_AREA)
    left = (SIDE - small.shape[1]) // 2
    shown = cv2.copyMakeBorder(small, 13, 13, left, SIDE - left - small.shape[1], cv2.BORDER_REPLICATE)
    with torch.inference_mode():
        cells = network(torch.from_numpy(shown).permute(2, 0, 1)[None].float() / 255)[0].permute(1, 2, 0).numpy()
    middle = cells[4:8, 3:9].reshape(-1, cells.shape[-1])
    return _said(reading_of(middle[int(middle[:, 0].argmax())]))


def _said(reading: FloatArray) -> tuple[str, float]:
    chance = likelihoods(reading[None])[0]
    return TEXTS[int(chance.argmax())], float(chance.max() * reading[0])


def _table(said: dict[str, list[tuple[str, str, float]]]) -> list[str]:
    """Of each reader, at each certainty: shares read right, read wrong, not read."""
    lines = ["| | certainty | read right | read wrong | not read |", "|---|---|---|---|---|"]
    for name, results in said.items():
        right = np.array([text == truth for truth, text, _ in results])
        sure = np.array([certainty for *_, certainty in results])
        for least in CERTAINTIES:
            read = sure >= least
            shares = [(read & right).mean(), (read & ~right).mean(), (~read).mean()]
            lines.append(f"| {name} | {least} | {' | '.join(f'{share:.3f}' for share in shares)} |")
    return lines


def _views(shared: Path, reader: NumberReader, package: Package | None) -> list[str]:
    """Single views of players and of referees in the games with truth, of whom nobody hides much."""
    lines: list[str] = []
    for game, worn in GAMES.items():
        said: dict[str, list[tuple[str, str, float]]] = {"ours": []}
        referees: list[float] = []
        for image, boxes, ids in _seen(shared, game):
            for box, one, reading in zip(boxes, ids, reader.read(image, boxes), strict=True):
                text, sure = _said(reading)
                if one not in worn:
                    referees.append(sure)
                    continue
                said["ours"].append((worn[one], text, sure))
                if package is not None:
                    spot = cut_trunk(image, box)[_CHEST]
                    said.setdefault("the package's", []).append((worn[one], *package.read(spot)))
        lines += ["", f"## {game}: {len(said['ours'])} single views", "", *_table(said), ""]
        sure = np.array(referees)
        shares = ", ".join(f"{(sure >= least).mean():.3f} at {least}" for least in CERTAINTIES)
        lines.append(f"Of {len(sure)} views of referees a number was read in {shares}.")
    return lines


def _seen(shared: Path, game: str) -> Iterator[tuple[Image, Float64Array, list[int]]]:
    """Pictures of a game, and the clear boxes in them: (K, 4), of whom (K,)."""
    folder = shared / "truth" / game
    found = [read_truth(folder / name) for name in ("gt.txt", "referees.txt")]
    frame, ids, xyxy = (np.concatenate([getattr(t, n) for t in found]) for n in ("frame_index", "track_id", "xyxy"))
    boxes = xyxy.astype(np.float64)
    clear = hidden_share(frame.astype(np.intp), boxes) <= _HIDDEN
    with open_video(shared / "videos" / f"netba_{game}.mp4") as video:
        for image in video:
            rows = np.flatnonzero(clear & (frame == image.index))
            if image.index % _STEP == 0 and len(rows):
                yield image.image, boxes[rows], ids[rows].tolist()
            if image.index >= frame.max():
                break


def _game(shared: Path, game: str, models: Models) -> list[str]:
    """A game as it is analysed, with numbers and without, whole and with cuts made in it, at three confidences."""
    truth, source = read_truth(shared / "truth" / game / "gt.txt"), shared / "videos" / f"netba_{game}.mp4"
    end = (int(truth.frame_index.max()) + 1) / 29.97 + 1e-3
    config = PipelineConfig(end=end)
    with open_video(source, None, end) as video:
        found = detect_players(video, models.detector(config), Silent(), every=config.detector.every)
        size = (video.info.width, video.info.height)
    lines = ["", f"## {game}: players", "", "| cut at frame | confidence | numbers | IDF1 | switches | right | wrong |"]
    lines[-1] += " not said | one before and after | taken for one |"
    lines += ["|---" * 10 + "|"]
    for cut, least, read in product((0, *_CUTS), CONFIDENCES, (False, True)):
        wanted, judged = replace(config, numbers=NumbersConfig(read=read)), _cut(_surer(found, least), cut)
        with open_video(source, None, end) as video:
            players = track_players(judged, Drawn(), size, wanted, models, video, Silent())
        there = truth[np.isin(truth.frame_index, judged.frames.index)]
        score, (counts, told) = evaluate_tracks(there, players.tracks), _players(there, players, GAMES[game])
        figures = [f"{score.idf1:.3f}", score.id_switches, *(counts if read else ("", "", ""))]
        figures += _over(cut, there, players.tracks) if cut else ("", "")
        where = [cut or "none", least, "read" if read else "no"]
        lines.append(f"| {' | '.join(map(str, [*where, *figures]))} |")
        print(lines[-1], told, flush=True)
    return lines


def _cut(found: Detected, at: int) -> Detected:
    """As if the camera were cut away for 20 frames from frame ``at`` on; 0: it is not."""
    frames, table = found.frames, found.detections
    if not at or frames.shift is None or frames.zoom is None or frames.is_cut is None:
        return found
    kept = (frames.index < at) | (frames.index >= at + _AWAY)
    is_cut = (frames.is_cut | (frames.index == at + _AWAY))[kept]
    shown = Frames(frames.index[kept], frames.time[kept], frames.shift[kept], frames.zoom[kept], is_cut)
    rows = np.isin(table.frame_index, shown.index)
    floor = None if table.floor is None else table.floor[rows]
    table = replace(table, frame_index=table.frame_index[rows], boxes=table.boxes[rows], floor=floor)
    return found._replace(frames=shown, detections=table)


def _over(at: int, truth: Tracks, tracks: Tracks) -> tuple[int, int]:
    """Tracks that are one player before and after frame ``at``, and such that are two."""
    covered, same, other = covering_ids(tracks, truth), 0, 0
    for one in tracks.ids.tolist():
        mine = (tracks.track_id == one) & (covered >= 0)
        sides = [covered[mine & side] for side in (tracks.frame_index < at, tracks.frame_index >= at)]
        if min(map(len, sides)) > 5:
            before, after = (int(np.bincount(side).argmax()) for side in sides)
            same, other = same + (before == after), other + (before != after)
    return same, other


def _players(truth: Tracks, players: Players, worn: dict[int, str]) -> tuple[tuple[int, int, int], dict[int, str]]:
    """Tracks whose number is said rightly, wrongly and not at all, by whom they cover most; and who is called what."""
    covered = covering_ids(players.tracks, truth)
    right = wrong = unsaid = 0
    told: dict[int, str] = {}
    for one in players.tracks.ids.tolist():
        whom = covered[(players.tracks.track_id == one) & (covered >= 0)]
        if not len(whom):
            continue
        most = int(np.bincount(whom).argmax())
        said = players.numbers[one].text if one in players.numbers else ""
        told[one] = f"{worn[most]}: {said or '-'}"
        right, wrong, unsaid = right + (said == worn[most]), wrong + (said not in ("", worn[most])), unsaid + (not said)
    return (right, wrong, unsaid), told


def _surer(found: Detected, least: float) -> Detected:
    table = found.detections
    rows = table.boxes.confidence >= least
    floor = None if table.floor is None else table.floor[rows]
    return found._replace(
        detections=replace(table, frame_index=table.frame_index[rows], boxes=table.boxes[rows], floor=floor)
    )


def main() -> None:
    """Do what the command says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("train")
    one.set_defaults(do=train)
    one.add_argument("shared", type=Path)
    one.add_argument("-o", "--output", type=Path, required=True)
    one.add_argument("--start-from", type=Path)
    one.add_argument("--pictures", type=int, default=16_000)
    one.add_argument("--steps", type=int, default=900)
    one.add_argument("--seed", type=int, default=0)
    other = commands.add_parser("judge")
    other.set_defaults(do=judge)
    other.add_argument("shared", type=Path)
    other.add_argument("-o", "--output", type=Path)
    other.add_argument("--weights", type=Path, default=WEIGHTS / NUMBER_WEIGHTS)
    other.add_argument("--package", type=Path)
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
