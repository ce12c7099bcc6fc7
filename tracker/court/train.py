"""Teaching the court's network from outlines (YOLO's segmentation labels), by venues.

Eight venues are few: colours of floor, lane, circle and surroundings are exchanged at random, pictures are mirrored,
turned, zoomed and darkened, so that what is left to learn is where lines run and what encloses what.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from ground.errors import InputError
from ground.frames import Image
from tracker.court.network import CourtNetwork
from tracker.court.segmenter import AREAS, HEIGHT, STRIDE, WIDTH

Mask = npt.NDArray[np.uint8]

_ZOOM = (0.75, 1.9)
"""Of the picture, at random: hardly any clip shows the court as the learnt venues do."""
_TURN, _TILT = 4.0, 0.12
"""Degrees of turn; share of the sides by which corners move."""
_TINTED = 0.35
"""Share of pictures in which an area gets another colour."""

_PER_VENUE = 12
"""Pictures that a venue with a single one counts as."""


@dataclass(frozen=True, slots=True)
class CourtPicture:
    """A picture with outlines."""

    picture: Path
    outlines: Path
    venue: str
    is_original: bool
    """False: its publisher has turned, sheared or noised it."""


def court_pictures(folder: Path) -> list[CourtPicture]:
    """Those listed in ``images.csv`` of a folder. Raises InputError where there is none."""
    try:
        rows = list(csv.DictReader((folder / "images.csv").read_text(encoding="utf-8").splitlines()))
        return [
            CourtPicture(
                folder / "images" / f"{row['name']}.jpg",
                folder / "labels" / f"{row['name']}.txt",
                row["venue"],
                row["version"] == "original",
            )
            for row in rows
        ]
    except (OSError, KeyError) as error:
        raise InputError(f"{folder}: needs images.csv with name, venue and version") from error


def balanced(pictures: Sequence[CourtPicture]) -> list[CourtPicture]:
    """The pictures, some of them several times: a venue counts as the square root of how many it has."""
    venues: dict[str, list[CourtPicture]] = {}
    for entry in pictures:
        venues.setdefault(entry.venue, []).append(entry)
    return [
        entries[i % len(entries)]
        for _, entries in sorted(venues.items())
        for i in range(round(_PER_VENUE * len(entries) ** 0.5))
    ]


def read_picture(entry: CourtPicture) -> tuple[Image, Mask]:
    """A picture, uint8 RGB, no larger than needed, and its areas, uint8 (H, W, 4) of 0 and 1."""
    raw = cv2.imread(str(entry.picture))
    if raw is None:
        raise InputError(f"{entry.picture}: is no picture")
    scale = min(1.0, 2 * WIDTH / raw.shape[1])
    image = cv2.cvtColor(cv2.resize(raw, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
    masks = np.zeros((*image.shape[:2], len(AREAS)), np.uint8)
    for line in entry.outlines.read_text(encoding="utf-8").splitlines():
        number, *numbers = line.split()
        corners = np.array(numbers, np.float64).reshape(-1, 2) * image.shape[1::-1]
        area = np.zeros(image.shape[:2], np.uint8)
        cv2.fillPoly(area, [np.round(corners - 0.5).astype(np.int32)], 1)
        masks[:, :, int(number)] |= area
    return np.asarray(image, np.uint8), masks


def varied(image: Image, masks: Mask, rng: np.random.Generator) -> tuple[Image, Mask]:
    """Another picture that could have been: uint8 (HEIGHT, WIDTH, 3), its areas (HEIGHT / 4, WIDTH / 4, 4), 0..255."""
    image = _tinted(image, masks, rng)
    warp = _warp(image.shape[1], image.shape[0], rng)
    seen = cv2.warpPerspective(image, warp, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderValue=(114, 114, 114))
    areas = cv2.warpPerspective(masks * 255, warp, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    size = WIDTH // STRIDE, HEIGHT // STRIDE
    small = cv2.resize(areas, size, interpolation=cv2.INTER_AREA)
    return _light(np.asarray(seen, np.uint8), rng), np.asarray(small, np.uint8)


def _warp(width: int, height: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """From pixels of the picture to those of the network, near enough to what another camera would see."""
    scale = WIDTH / width * np.exp(rng.uniform(*np.log(_ZOOM)))
    angle = np.deg2rad(rng.uniform(-_TURN, _TURN))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    moved = (corners - [width / 2, height / 2]) @ turn.T
    if rng.random() < 0.5:
        moved[:, 0] *= -1
    moved += rng.uniform(-_TILT, _TILT, (4, 2)) * scale * [width, height] / 2
    free = np.maximum(np.abs(scale * np.array([width, height]) - [WIDTH, HEIGHT]) / 2, 8)
    moved += np.array([WIDTH, HEIGHT]) / 2 + rng.uniform(-free, free)
    return np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32)), np.float64)


def _tinted(image: Image, masks: Mask, rng: np.random.Generator) -> Image:
    """Areas, and what lies around the court, in other colours: their light and shade are kept."""
    out = image.astype(np.float32)
    around = np.asarray(cv2.dilate(masks[:, :, 0], np.ones((61, 61), np.uint8)), np.uint8) & (1 - masks[:, :, 0])
    light = out.mean(axis=2, keepdims=True)
    for area in (masks[:, :, 0], around, masks[:, :, 1], masks[:, :, 3]):
        if rng.random() < _TINTED:
            color = rng.uniform(20, 235, 3)
            strength = rng.uniform(0.4, 0.9) * area[:, :, None]
            out += strength * (light * color / max(float(color.mean()), 1.0) * rng.uniform(0.4, 1.4) - out)
    return out.clip(0, 255).astype(np.uint8)


def _light(image: Image, rng: np.random.Generator) -> Image:
    """Brightness, contrast, saturation, order of the colours, noise and blur, at random."""
    out = image.astype(np.float32)
    if rng.random() < 0.3:
        out = out[:, :, rng.permutation(3)]
    grey = out.mean(axis=2, keepdims=True)
    out = grey + (out - grey) * rng.uniform(0.2, 1.5)
    out = (out - 128) * rng.uniform(0.6, 1.3) + 128 + rng.uniform(-40, 40)
    if rng.random() < 0.3:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.5))
    out += rng.normal(0, rng.uniform(0, 8), out.shape)
    return np.asarray(out.clip(0, 255), np.uint8)


def batches(
    pictures: Sequence[tuple[Image, Mask]], size: int, steps: int, seed: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """``steps`` batches of varied pictures, float (N, 3, H, W) 0..1, and areas, float (N, 4, H / 4, W / 4)."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        chosen = [varied(*pictures[int(i)], rng) for i in rng.integers(0, len(pictures), size)]
        x, y = (
            torch.from_numpy(np.stack(column)).permute(0, 3, 1, 2).float() / 255 for column in zip(*chosen, strict=True)
        )
        yield x.contiguous(memory_format=torch.channels_last), y


def fit(
    network: CourtNetwork, pictures: Sequence[tuple[Image, Mask]], steps: int, size: int = 8, seed: int = 1
) -> Iterator[float]:
    """Train in place, yielding the loss of each step: cross-entropy of cells, and overlap of areas (Dice).

    The learning rate rises over 50 steps and falls to nothing along a cosine.
    """
    torch.manual_seed(seed)
    network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    learnt = list(network.spatial.parameters())
    new = [value for name, value in network.named_parameters() if not name.startswith("spatial.")]
    optimizer = torch.optim.AdamW([{"params": learnt, "lr": 5e-4}, {"params": new, "lr": 2e-3}], weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / 50, 0.5 + 0.5 * np.cos(np.pi * step / steps))
    )
    for x, y in batches(pictures, size, steps, seed):
        loss = _loss(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        yield loss.item()


def _loss(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    seen = logits.sigmoid()
    both, either = (seen * truth).sum((0, 2, 3)), (seen + truth).sum((0, 2, 3))
    return functional.binary_cross_entropy_with_logits(logits, truth) + (1 - (2 * both + 1) / (either + 1)).mean()
