"""A window in which boxes, or the court's outline, are drawn with the mouse. The only file that opens a window."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import cv2
import numpy as np

from ground.errors import InputError
from ground.frames import Image
from tracker.by_hand.court_outline import CourtPolygon
from tracker.by_hand.rois import MIN_SIDE, Roi

_VIEW = (1280, 720)
"""Pixels: the picture is shown at most this large, so that it fits a laptop's screen, and small ones up to it."""
_LARGEST_ZOOM = 3.0
_HELP = "drag: box   u: undo   Enter: done   Esc: cancel"
_COURT_HELP = "click: corner, in order around the court   u: undo   Enter: done   Esc: cancel"
_ACCEPT, _UNDO, _CANCEL = {10, 13, 32, 141}, {8, 127, ord("u"), ord("U")}, {27, ord("q"), ord("Q")}
_COLORS = ((0, 200, 255), (255, 160, 0), (80, 220, 80), (220, 80, 255), (255, 255, 0), (60, 120, 255))
"""BGR, by box number."""
_BOXES_INSTEAD = "--select-roi: give the boxes with --roi x,y,width,height or --roi-file FILE"
_COURT_INSTEAD = "--select-court: give the corners with --court FILE"
_PROBE = "import cv2; cv2.namedWindow('probe'); cv2.waitKey(1)"
_PROBE_SECONDS = 20.0


class _Canvas(Protocol):
    """What the window shows and hands the mouse to."""

    @property
    def finished(self) -> bool:
        """Whether what is drawn may be accepted."""
        ...

    def press(self, x: int, y: int) -> None: ...
    def move(self, x: int, y: int) -> None: ...
    def release(self, x: int, y: int) -> None: ...
    def undo(self) -> None: ...


@dataclass(slots=True)
class Drawing:
    """Boxes being drawn on a picture that is shown ``zoom`` times its size. Knows nothing about windows.

    Mouse positions are in pixels of the view and may lie outside it; boxes are in pixels of the picture.
    """

    width: int
    height: int
    zoom: float
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list[tuple[float, float, float, float]])
    """Finished boxes: left, top, width, height."""
    _anchor: tuple[float, float] | None = None
    _corner: tuple[float, float] = (0.0, 0.0)

    @property
    def finished(self) -> bool:
        """Whether there is a box."""
        return bool(self.boxes)

    @property
    def pending(self) -> tuple[float, float, float, float] | None:
        """The box under the mouse: left, top, width, height, or None while no button is held."""
        if self._anchor is None:
            return None
        (x0, y0), (x1, y1) = self._anchor, self._corner
        return min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0)

    def press(self, x: int, y: int) -> None:
        """Begin a box at a corner."""
        self._anchor = self._corner = self._inside(x, y)

    def move(self, x: int, y: int) -> None:
        """Drag the opposite corner."""
        self._corner = self._inside(x, y)

    def release(self, x: int, y: int) -> None:
        """Finish the box. One smaller than ``MIN_SIDE`` was a click by mistake and is dropped."""
        self.move(x, y)
        box = self.pending
        if box is not None and min(box[2:]) >= MIN_SIDE:
            self.boxes.append(box)
        self._anchor = None

    def undo(self) -> None:
        """Drop the box being drawn, else the last finished one."""
        if self._anchor is None and self.boxes:
            self.boxes.pop()
        self._anchor = None

    def _inside(self, x: int, y: int) -> tuple[float, float]:
        return _in_picture(x, y, self.zoom, self.width, self.height)


@dataclass(slots=True)
class CourtDrawing:
    """A court's outline being drawn, corner by corner, on a picture that is shown ``zoom`` times its size.

    Mouse positions are in pixels of the view and may lie outside it; corners are in pixels of the picture.
    """

    width: int
    height: int
    zoom: float
    corners: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """x, y of the corners clicked."""
    pointer: tuple[float, float] = (0.0, 0.0)
    """Where the mouse is."""

    @property
    def finished(self) -> bool:
        """Whether the corners make a court."""
        return self.court() is not None

    def court(self) -> CourtPolygon | None:
        """The outline, or None while the corners do not make one."""
        try:
            return CourtPolygon(tuple(self.corners))
        except ValueError:
            return None

    def press(self, x: int, y: int) -> None:
        """Begin a click."""
        self.move(x, y)

    def move(self, x: int, y: int) -> None:
        """Show where the next corner would be."""
        self.pointer = _in_picture(x, y, self.zoom, self.width, self.height)

    def release(self, x: int, y: int) -> None:
        """Set a corner where the button is let go; not twice at the same place, as a double click would."""
        self.move(x, y)
        if self.pointer not in self.corners:
            self.corners.append(self.pointer)

    def undo(self) -> None:
        """Drop the last corner."""
        if self.corners:
            self.corners.pop()


def _in_picture(x: int, y: int, zoom: float, width: int, height: int) -> tuple[float, float]:
    return min(max(x / zoom, 0.0), float(width)), min(max(y / zoom, 0.0), float(height))


def select_rois(image: Image, title: str = "courtscribe: draw a box around each player") -> list[Roi] | None:
    """Let the user draw a box around each player; None when he cancels (Esc, q, or the window closed).

    image: uint8 (H, W, 3), RGB. Drag to draw, u or Backspace takes the last box back, Enter or Space accepts.
    Raises InputError, naming --roi and --roi-file, where no window can be opened.
    """
    drawing = Drawing(image.shape[1], image.shape[0], _zoom(image))
    accepted = _show(image, title, drawing, lambda view: draw_boxes(view, drawing), _BOXES_INSTEAD)
    return [Roi(box) for box in drawing.boxes] if accepted else None


def select_court(
    image: Image, title: str = "courtscribe: click the corners of the court, in order around it"
) -> CourtPolygon | None:
    """Let the user draw the court's outline; None when he cancels (Esc, q, or the window closed).

    image: uint8 (H, W, 3), RGB, the first frame. Each click sets a corner, u or Backspace takes the last one back,
    Enter or Space accepts three or more. Raises InputError, naming --court, where no window can be opened.
    """
    drawing = CourtDrawing(image.shape[1], image.shape[0], _zoom(image))
    accepted = _show(image, title, drawing, lambda view: draw_court(view, drawing), _COURT_INSTEAD)
    return drawing.court() if accepted else None


def draw_boxes(view: Image, drawing: Drawing) -> Image:
    """A copy of ``view`` (uint8, BGR, already zoomed) with numbered boxes, the one being drawn, and the key help."""
    canvas = view.copy()
    pending = [drawing.pending] if drawing.pending else []
    for number, box in enumerate(drawing.boxes + pending, 1):
        x0, y0, x1, y1 = (round(v * drawing.zoom) for v in (box[0], box[1], box[0] + box[2], box[1] + box[3]))
        color = _COLORS[number % len(_COLORS)]
        cv2.rectangle(canvas, (x0, y0), (x1, y1), color, 2)
        _plate(canvas, str(number), x0, max(y0, 20), color, (0, 0, 0))
    _plate(canvas, _HELP, 4, canvas.shape[0] - 4, (0, 0, 0), (255, 255, 255))
    return canvas


def draw_court(view: Image, drawing: CourtDrawing) -> Image:
    """A copy of ``view`` (uint8, BGR, already zoomed) with the outline, closed at the pointer, and the key help."""
    canvas = view.copy()
    line = np.rint(np.array([*drawing.corners, drawing.pointer]) * drawing.zoom).astype(np.int32)
    cv2.polylines(canvas, [line], isClosed=True, color=_COLORS[0], thickness=1, lineType=cv2.LINE_AA)
    cv2.polylines(canvas, [line[:-1]], isClosed=False, color=_COLORS[0], thickness=2, lineType=cv2.LINE_AA)
    for x, y in line[:-1].tolist():
        cv2.circle(canvas, (x, y), 4, _COLORS[0], cv2.FILLED)
    _plate(canvas, _COURT_HELP, 4, canvas.shape[0] - 4, (0, 0, 0), (255, 255, 255))
    return canvas


def _plate(canvas: Image, text: str, x: int, bottom: int, color: tuple[int, ...], ink: tuple[int, ...]) -> None:
    scale = min(0.6, canvas.shape[1] / 750)
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    cv2.rectangle(canvas, (x, bottom - height - 8), (x + width + 8, bottom), color, cv2.FILLED)
    cv2.putText(canvas, text, (x + 4, bottom - 4), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1, cv2.LINE_AA)


def _on_mouse(event: int, x: int, y: int, _flags: int, drawing: Any) -> None:
    actions = {
        cv2.EVENT_LBUTTONDOWN: drawing.press,
        cv2.EVENT_MOUSEMOVE: drawing.move,
        cv2.EVENT_LBUTTONUP: drawing.release,
    }
    if event in actions:
        actions[event](x, y)


def _zoom(image: Image) -> float:
    return min(_VIEW[0] / image.shape[1], _VIEW[1] / image.shape[0], _LARGEST_ZOOM)


def _show(image: Image, title: str, drawing: _Canvas, draw: Callable[[Image], Image], instead: str) -> bool:
    """Open a window on ``image`` until the user accepts (True) or cancels (False)."""
    _require_display(instead)
    size = (max(1, round(image.shape[1] * _zoom(image))), max(1, round(image.shape[0] * _zoom(image))))
    view = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    try:
        cv2.namedWindow(title, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
        cv2.setMouseCallback(title, _on_mouse, drawing)
        accepted = _run(title, drawing, lambda: draw(view))
        cv2.destroyWindow(title)
        cv2.waitKey(1)
    except cv2.error as error:
        raise _no_window(str(error.err), instead) from error
    return accepted


def _run(title: str, drawing: _Canvas, draw: Callable[[], Image]) -> bool:
    """Show the drawing until the user accepts (True) or cancels (False)."""
    while True:
        cv2.imshow(title, draw())
        key = cv2.waitKey(20) & 0xFF
        if key in _ACCEPT and drawing.finished:
            return True
        if key in _CANCEL or cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) < 1:
            return False
        if key in _UNDO:
            drawing.undo()


def _require_display(instead: str) -> None:
    """Open a window in another process first: without a display, OpenCV's Qt ends the whole process it is in."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE], timeout=_PROBE_SECONDS, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        raise _no_window("the display does not answer", instead) from None
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise _no_window(lines[0].strip() if lines else "no display", instead)


def _no_window(reason: str, instead: str) -> InputError:
    flag, other = instead.split(": ", 1)
    return InputError(f"{flag}: no window can be opened here ({reason}); {other}")
