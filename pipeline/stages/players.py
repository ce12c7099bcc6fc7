"""Tracks into players: who was drawn by hand, who counts as a player, of which team, gaps filled, boxes smoothed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from pipeline.analysis.values import Drawn, Frames, Players
from pipeline.stages.detect import Detected
from tracker.by_hand.seeds import Named, name_seeded
from tracker.detect.detector import people_classes
from tracker.looks.kit import KitViews
from tracker.numbers.votes import NumberViews, find_numbers
from tracker.players.selection import SelectionConfig, choose_players
from tracker.players.smoothing import SmoothingConfig, smooth_tracks
from tracker.scene.court import Scene
from tracker.teams.teams import Teams, TeamsConfig, find_teams
from tracker.types import Tracks


def select_players(
    tracks: Tracks,
    seeds: Tracks,
    detected: Detected,
    drawn: Drawn,
    size: tuple[int, int],
    config: SelectionConfig,
    classes: Sequence[str] = (),
) -> Players:
    """Those of everybody's tracks who play, and why the others do not; who was drawn by hand plays.

    seeds: drawn boxes as they were followed. size: width and height of the picture, pixels. classes: names of the
    detector's classes that are followed.
    """
    named = name_seeded(tracks, seeds, drawn.rois) if drawn.rois else Named(tracks, {}, frozenset(), ())
    rows = np.searchsorted(detected.frames.index, named.tracks.frame_index).astype(np.int32)
    scene = _scene(detected, drawn, size, classes)
    _, reasons = choose_players(dataclasses.replace(named.tracks, frame_index=rows), config, scene)
    dropped = {i: reason for i, reason in reasons.items() if i not in named.protected}
    out = np.isin(named.tracks.track_id, list(dropped))
    return Players(
        named.tracks[~out], named.names, dropped=dropped, notes=tuple(named.notes), left_out=named.tracks[out]
    )


def tell_teams(players: Players, kits: KitViews, config: TeamsConfig) -> Players:
    """``players`` with their teams, learnt from what those who play wear; the others are told, too.

    players: with the boxes as they were found, before ``smooth_players``.
    """
    parts = (players.tracks, players.left_out)
    frame, ids, xyxy = (np.concatenate([getattr(part, name) for part in parts]) for name in _BOX)
    found = find_teams(Tracks.of(frame, ids, xyxy), kits, config, players.tracks.ids.tolist())
    return dataclasses.replace(players, teams=found or Teams(config.called))


def tell_numbers(players: Players, views: NumberViews) -> Players:
    """``players`` with the numbers of those of a team, where they are sure.

    players: as for ``tell_teams``, and with their teams.
    """
    teams = {i: team for i in players.tracks.ids.tolist() if (team := players.teams.team(i))}
    return dataclasses.replace(players, numbers=find_numbers(players.tracks, views, teams))


_BOX = ("frame_index", "track_id", "xyxy")


def smooth_players(players: Players, frames: Frames, config: SmoothingConfig, every: int = 1) -> Players:
    """Their tracks smoothed, with short gaps filled; those of others, too. every: see ``smooth_tracks``."""
    tracks, left_out = (_smooth(found, frames, config, every) for found in (players.tracks, players.left_out))
    return dataclasses.replace(players, tracks=tracks, left_out=left_out)


def _smooth(tracks: Tracks, frames: Frames, config: SmoothingConfig, every: int) -> Tracks:
    rows = np.searchsorted(frames.index, tracks.frame_index).astype(np.int32)
    tracks, shot = dataclasses.replace(tracks, frame_index=rows), frames.shot()
    smooth = smooth_tracks(tracks, frames.time, config.max_gap, shot, every)
    return dataclasses.replace(smooth, frame_index=frames.index[smooth.frame_index])


def _scene(detected: Detected, drawn: Drawn, size: tuple[int, int], classes: Sequence[str]) -> Scene:
    """What the rules of the selection judge by."""
    table, frames, names = detected.detections, detected.frames, detected.detections.classes
    rows = np.isin(table.boxes.class_id, people_classes(names, classes))
    return Scene(
        size=size,
        index=frames.index,
        time=frames.time,
        people=table.boxes[rows],
        people_frame=np.searchsorted(frames.index, table.frame_index[rows]).astype(np.int32),
        floor=None if table.floor is None else table.floor[rows],
        camera=frames.camera(),
        shot=frames.shot(),
        court=drawn.court,
        known=detected.court,
    )
