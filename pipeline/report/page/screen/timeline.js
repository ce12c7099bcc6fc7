// The timeline: a row per player on a canvas, a ruler over it, the playhead over both.

import { firstAfter } from "../game/model.js";
import { clock, element } from "../text.js";

const ROW = 28; // pixels
const PAD = 3;
const RULER = 26;
const DENSE = 6; // pixels per segment under which a row is drawn as a strip
const GRAB = 5; // pixels about an edge at which it is dragged
const SHORTEST = 0.25; // seconds that may fill the view
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

/**
 * Events, all with `detail`:
 * "seek" {time}; "pick" {segment, add} (chosen; add: beside those that are); "activate" {segment} (jump and play);
 * "player" {player} (his row is chosen); "hover" {segment, x, y} (-1: none); "view" {start, end};
 * where `editable`: "edgepreview" and "edge" {segment, side: "start" | "end", time}, while an edge is dragged and when
 * it is let go.
 */
export class Timeline extends EventTarget {
  #asked = null;
  #dirty = true;
  #hatches = new Map();
  #hovered = -1;
  #edge = null;
  #pointers = new Map();
  #drag = null;
  #strip = null;
  #isTopBlank = false;

  /** root: an empty element. colorBy: "team" or "action". */
  constructor({ root, model, theme, editable = false }) {
    super();
    Object.assign(this, { root, model, theme, editable });
    this.colorBy = "team";
    this.view = { start: model.frames.start, end: model.frames.end };
    this.time = model.frames.start;
    this.selection = new Set(); // segments
    this.player = -1; // whose row is chosen
    this.#build();
    model.addEventListener("changed", () => this.#relayout(true));
    model.addEventListener("filtered", () => this.#relayout());
    theme.addEventListener("changed", () => {
      this.#hatches.clear();
      this.redraw();
    });
    const observer = new ResizeObserver(() => this.#relayout());
    for (const area of [this.body, this.scroll]) observer.observe(area);
    this.scroll.addEventListener("scroll", () => this.redraw());
    this.#relayout();
  }

  /** Draw everything with the next picture of the screen. */
  redraw() {
    this.#dirty = true;
    this.#redrawTop();
  }

  /** Draw playhead and choice with the next picture of the screen. */
  #redrawTop() {
    this.#asked ??= requestAnimationFrame(() => {
      this.#asked = null;
      this.draw();
    });
  }

  setTime(time, follow = true) {
    this.time = time;
    const { start, end } = this.view;
    if (follow && !this.#drag && (time < start || time > end)) {
      const length = end - start;
      this.setView(time - 0.1 * length, time + 0.9 * length);
    }
    this.#redrawTop();
  }

  /** Show from start to end, seconds, as far as there is anything. */
  setView(start, end) {
    const { frames } = this.model;
    const whole = frames.end - frames.start;
    const length = Math.min(Math.max(end - start, SHORTEST), whole);
    const first = Math.min(Math.max(start, frames.start), frames.end - length);
    if (first === this.view.start && first + length === this.view.end) return;
    this.view = { start: first, end: first + length };
    this.redraw();
    this.#emit("view", this.view);
  }

  /** factor: over 1: nearer. about: the time that stays where it is. */
  zoom(factor, about = this.#middle()) {
    const { start, end } = this.view;
    const whole = this.model.frames.end - this.model.frames.start;
    const length = Math.min(Math.max((end - start) / factor, SHORTEST), whole);
    const share = (about - start) / (end - start);
    this.setView(about - share * length, about + (1 - share) * length);
  }

  pan(seconds) {
    this.setView(this.view.start + seconds, this.view.end + seconds);
  }

  fit() {
    this.setView(this.model.frames.start, this.model.frames.end);
  }

  /** Choose segments (numbers) and with them a row. */
  select(segments, player = segments.length ? this.model.player[segments.at(-1)] : this.player) {
    this.selection = new Set(segments);
    this.player = player;
    const row = this.shown.indexOf(player);
    [...this.names.children].forEach((name, i) =>
      name.firstElementChild.setAttribute("aria-pressed", String(this.shown[i] === player)),
    );
    if (row >= 0) this.#scrollTo(row);
    this.#redrawTop();
  }

  /** The time at a place, pixels from the left of the rows. */
  timeAt(x) {
    return this.view.start + (x / this.width) * (this.view.end - this.view.start);
  }

  xOf(time) {
    return ((time - this.view.start) / (this.view.end - this.view.start)) * this.width;
  }

  #middle() {
    const { start, end } = this.view;
    return this.time >= start && this.time <= end ? this.time : (start + end) / 2;
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #build() {
    const canvas = (name) => element("canvas", { class: name, "aria-hidden": "true" });
    [this.rulerCanvas, this.base, this.top] = ["ruler-canvas", "base", "top"].map(canvas);
    this.pane = element("div", { class: "pane" }, this.base, this.top); // of what is scrolled into view
    this.line = element("span", { class: "line", "aria-hidden": "true" });
    this.head = element("span", { class: "head", "aria-hidden": "true" });
    this.ruler = element(
      "div",
      { class: "ruler", role: "slider", tabindex: "0", "aria-label": "Playhead", "aria-orientation": "horizontal" },
      this.rulerCanvas,
      this.head,
    );
    this.names = element("ul", { class: "names", "aria-label": "Players" });
    this.body = element(
      "div",
      { class: "rows", role: "application", tabindex: "0", "aria-label": "Timeline of actions", "aria-describedby": "timeline-help" },
      this.pane,
      this.line,
    );
    this.scroll = element(
      "div",
      { class: "timeline-grid", tabindex: "-1" },
      element("div", { class: "corner" }),
      this.ruler,
      this.names,
      this.body,
    );
    this.root.append(this.scroll);
    for (const area of [this.ruler, this.body]) {
      area.addEventListener("pointerdown", (event) => this.#down(event, area));
      area.addEventListener("pointermove", (event) => this.#move(event, area));
      for (const name of ["pointerup", "pointercancel"]) area.addEventListener(name, (event) => this.#up(event, area));
      area.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    }
    this.body.addEventListener("pointerleave", () => this.#hover(-1));
    this.body.addEventListener("dblclick", (event) => {
      const at = this.#segmentAt(event.offsetX, event.offsetY);
      if (at >= 0) this.showSpan(this.model.start[at], this.model.end[at]);
    });
  }

  /** Zoom so that a span fills a third of the view. */
  showSpan(start, end) {
    const length = Math.max(end - start, SHORTEST);
    this.setView(start - length, end + length);
  }

  #relayout(isOther = false) {
    const { model } = this;
    const shown = model.shownPlayers();
    const sameRows = !isOther && shown.length === this.shown?.length && shown.every((player, row) => player === this.shown[row]);
    this.shown = shown;
    this.width = Math.max(this.body.clientWidth, 1);
    this.height = Math.max(this.shown.length, 1) * ROW;
    this.body.style.height = `${this.height}px`;
    if (!sameRows) this.#fillNames();
    this.seen = Math.min(this.height, Math.max(this.scroll.clientHeight - RULER, ROW));
    for (const [canvas, width, height] of [
      [this.rulerCanvas, this.width, RULER],
      [this.base, this.width, this.seen],
      [this.top, this.width, this.seen],
    ]) {
      const scale = devicePixelRatio;
      if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
      if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    this.selection = new Set([...this.selection].filter((segment) => segment < model.length));
    this.setView(this.view.start, this.view.end);
    this.#dirty = true;
    this.draw();
  }

  #fillNames() {
    this.names.replaceChildren(
      ...this.shown.map((player) => {
        const { name, team } = this.model.players[player];
        const chip = element("span", { class: "chip" });
        chip.style.background = this.theme.ofPlayer(this.model.players[player]).fill;
        const button = element(
          "button",
          { type: "button", class: "name", "aria-pressed": String(player === this.player), title: team ? `${name} (${team})` : name },
          chip,
          element("bdi", {}, name),
          ...(team ? [element("bdi", { class: "team" }, team)] : []),
        );
        button.addEventListener("click", () => this.#emit("player", { player }));
        return element("li", {}, button);
      }),
    );
  }

  /** Draw now: rows and ruler if anything there has changed. */
  draw() {
    if (this.#dirty) this.#drawRows();
    this.#drawTop();
  }

  #drawRows() {
    this.#dirty = false;
    const context = this.#cleared(this.base);
    const { theme, width } = this;
    this.#strip = null;
    const rows = this.#rowsInSight();
    for (const row of rows) {
      context.fillStyle = row % 2 ? theme.css["row-alt"] : theme.css.row;
      context.fillRect(0, row * ROW, width, ROW);
    }
    context.fillStyle = theme.css.line;
    for (const { x, major } of this.#ticks()) if (major) context.fillRect(Math.round(x), 0, 1, this.height);
    for (const row of rows) {
      this.#drawPresence(context, this.shown[row], row * ROW);
      this.#drawSegments(context, this.shown[row], row * ROW);
    }
    this.#drawEvents(context);
    this.#drawRuler();
  }

  /** A context of a canvas of the pane, empty, with the first row's top at 0. */
  #cleared(canvas) {
    const context = prepared(canvas);
    context.clearRect(0, 0, this.width, this.seen);
    context.translate(0, -this.#scrolled());
    return context;
  }

  /** Pixels of the rows that are scrolled out of sight at the top. */
  #scrolled() {
    return Math.min(this.scroll.scrollTop, this.height - this.seen);
  }

  #rowsInSight() {
    const top = this.#scrolled();
    const [first, end] = [Math.floor(top / ROW), Math.min(Math.ceil((top + this.seen) / ROW), this.shown.length)];
    return Array.from({ length: Math.max(end - first, 0) }, (_, i) => first + i);
  }

  #drawPresence(context, player, y) {
    const { start, end, rows } = this.model.there;
    context.fillStyle = this.theme.ofPlayer(this.model.players[player]).soft;
    let last = -1;
    let at = firstAfter(end, this.view.start, rows[player], rows[player + 1]);
    for (; at < rows[player + 1] && start[at] < this.view.end; at++) {
      const [x0, x1] = [Math.max(this.xOf(start[at]), last), this.xOf(end[at])];
      if (x1 - last < 0.5) continue;
      context.fillRect(x0, y + ROW - 2, Math.max(x1 - x0, 0.5), 2);
      last = x1;
    }
  }

  /** Numbers of the segments of a player that are in view: from, to before. */
  #inView(player) {
    const { rows, start, end } = this.model;
    const [low, high] = [rows[player], rows[player + 1]];
    return [firstAfter(end, this.view.start, low, high), firstAfter(start, this.view.end, low, high)];
  }

  #drawSegments(context, player, y) {
    const { model } = this;
    const [from, to] = this.#inView(player);
    if ((to - from) * DENSE > this.width) {
      this.#drawStrip(context, from, to, y);
      return;
    }
    for (let i = from; i < to; i++) this.#drawSegment(context, i, y);
    const { start, end, rows } = model.filled;
    const hatch = this.#hatch(context, this.theme.css.row, -1);
    let at = firstAfter(end, this.view.start, rows[player], rows[player + 1]);
    for (; at < rows[player + 1] && start[at] < this.view.end; at++) {
      const [x0, x1] = [Math.max(this.xOf(start[at]), 0), Math.min(this.xOf(end[at]), this.width)];
      if (x1 - x0 < 1.5) continue;
      context.fillStyle = hatch;
      context.fillRect(x0, y + ROW - PAD - 8, x1 - x0, 7);
    }
  }

  #colorsOf(i) {
    const { model, theme } = this;
    return this.colorBy === "action"
      ? theme.ofAction(model.labels[model.action[i]])
      : theme.ofPlayer(model.players[model.player[i]]);
  }

  #drawSegment(context, i, y) {
    const { model, theme } = this;
    const [x0, x1] = [Math.max(this.xOf(model.start[i]), -4), Math.min(this.xOf(model.end[i]), this.width + 4)];
    const [top, height] = [y + PAD, ROW - 2 * PAD - 1];
    const width = Math.max(x1 - x0 - 1, 1);
    const color = this.#colorsOf(i);
    const isUnsure = model.action[i] === model.unsure;
    const isStrong = this.colorBy === "action" || model.isBallAction[model.action[i]];
    context.globalAlpha = model.matches[i] ? 1 : 0.15;
    context.fillStyle = isUnsure ? this.#hatch(context, color.soft, 1) : isStrong ? color.fill : color.soft;
    if (width > 12) {
      context.beginPath();
      context.roundRect(x0, top, width, height, 3);
      context.fill();
      context.strokeStyle = color.edge;
      context.lineWidth = 1;
      if (isUnsure) context.setLineDash([3, 2]);
      context.stroke();
      if (isUnsure) context.setLineDash([]);
    } else {
      context.fillRect(x0, top, width, height);
    }
    if (model.byPerson[i] && width > 8) {
      context.fillStyle = isStrong && !isUnsure ? color.ink : color.softInk;
      context.beginPath();
      context.moveTo(x0 + 2, top + 2);
      context.lineTo(x0 + 8, top + 2);
      context.lineTo(x0 + 2, top + 8);
      context.fill();
    }
    if (width > 26) {
      const text = fitted(context, model.labels[model.action[i]], width - 10, isUnsure);
      context.fillStyle = isUnsure ? theme.css.ink : isStrong ? color.ink : color.softInk;
      if (text) context.fillText(text, Math.max(x0, 0) + 6, top + height / 2 + 0.5);
    }
    context.globalAlpha = 1;
  }

  /** A row with more segments than pixels: each pixel shows the strongest that lies there. */
  #drawStrip(context, from, to, y) {
    const { model } = this;
    const n = this.width;
    this.#strip ??= { canvas: new OffscreenCanvas(n, 1), image: new ImageData(n, 1), rank: new Uint8Array(n) };
    const { canvas, image, rank } = this.#strip;
    const pixels = new Uint32Array(image.data.buffer);
    pixels.fill(0);
    rank.fill(0);
    const scale = n / (this.view.end - this.view.start);
    for (let i = from; i < to; i++) {
      const isBall = model.isBallAction[model.action[i]];
      const own = !model.matches[i] ? 1 : model.action[i] === model.unsure ? 2 : isBall ? 4 : 3;
      const x0 = Math.max(Math.floor((model.start[i] - this.view.start) * scale), 0);
      const x1 = Math.min(Math.max(Math.floor((model.end[i] - this.view.start) * scale), x0 + 1), n);
      const color = this.#colorsOf(i);
      const [red, green, blue] = own === 4 || this.colorBy === "action" ? color.rgb : color.softRgb;
      const alpha = own === 1 ? 40 : own === 2 ? 110 : 255;
      const pixel = (alpha << 24) | (blue << 16) | (green << 8) | red;
      for (let x = x0; x < x1; x++) {
        if (rank[x] >= own) continue;
        rank[x] = own;
        pixels[x] = pixel;
      }
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(canvas, 0, 0, n, 1, 0, y + PAD, n, ROW - 2 * PAD - 1);
  }

  #drawEvents(context) {
    const rowOf = new Map(this.shown.map((player, row) => [player, row]));
    const { accent, surface, ink } = this.theme.css;
    const { start, end } = this.view;
    const inView = this.model.wantedEvents().filter(({ time, player }) => time >= start && time <= end && rowOf.has(player));
    const isCrowded = inView.length * 12 > this.width; // then shots alone, which people look for
    const size = isCrowded ? 2.5 : 5;
    for (const { time, kind, player } of inView) {
      if (isCrowded && kind !== "shot") continue;
      context.fillStyle = kind === "shot" ? accent : kind === "turnover" ? ink : surface;
      context.strokeStyle = kind === "shot" ? surface : ink;
      context.lineWidth = isCrowded ? 1 : 1.5;
      context.beginPath();
      shape(context, kind, this.xOf(time), rowOf.get(player) * ROW + ROW - 7, size);
      context.fill();
      context.stroke();
    }
  }

  #ticks() {
    const { start, end } = this.view;
    const least = 70 / (this.width / (end - start));
    const step = STEPS.find((seconds) => seconds >= least) ?? 7200;
    const minor = step / 5;
    const ticks = [];
    for (let k = Math.ceil(start / minor); k * minor <= end; k++) {
      const major = k % 5 === 0;
      ticks.push({ x: this.xOf(k * minor), major, text: major ? clock(k * minor, step < 1 ? 1 : 0) : "" });
    }
    return ticks;
  }

  #drawRuler() {
    const context = prepared(this.rulerCanvas);
    const { theme, width } = this;
    context.clearRect(0, 0, width, RULER);
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (const { x, major, text } of this.#ticks()) {
      context.fillStyle = major ? theme.css["ink-soft"] : theme.css.line;
      context.fillRect(Math.round(x), major ? RULER - 8 : RULER - 5, 1, major ? 8 : 5);
      if (text) context.fillText(text, Math.round(x) + 4, RULER / 2 - 2);
    }
    context.fillStyle = theme.css["ink-soft"];
    for (const cut of this.model.cuts) {
      if (cut > this.view.start && cut < this.view.end) context.fillRect(Math.round(this.xOf(cut)), 0, 1, 6);
    }
  }

  #drawTop() {
    const { theme, model } = this;
    const row = this.shown.indexOf(this.player);
    const marked = [...this.selection, this.#hovered].filter((i) => i >= 0 && i < model.length);
    const isBlank = row < 0 && !marked.length && this.#edge?.time === undefined;
    if (!isBlank || !this.#isTopBlank) {
      const context = this.#cleared(this.top);
      if (row >= 0) {
        context.strokeStyle = theme.css.accent;
        context.globalAlpha = 0.5;
        context.lineWidth = 1;
        context.strokeRect(0.5, row * ROW + 0.5, this.width - 1, ROW - 1);
        context.globalAlpha = 1;
      }
      for (const i of marked) this.#outline(context, i);
      if (this.#edge?.time !== undefined) {
        context.fillStyle = theme.css.accent;
        context.fillRect(this.xOf(this.#edge.time) - 1, this.shown.indexOf(model.player[this.#edge.segment]) * ROW, 2, ROW);
      }
    }
    this.#isTopBlank = isBlank;
    const x = this.xOf(this.time);
    for (const one of [this.head, this.line]) {
      one.hidden = x < -1 || x > this.width + 1;
      one.style.transform = `translateX(${x}px)`;
    }
    this.ruler.setAttribute("aria-valuemin", model.frames.start.toFixed(2));
    this.ruler.setAttribute("aria-valuemax", model.frames.end.toFixed(2));
    this.ruler.setAttribute("aria-valuenow", this.time.toFixed(2));
    this.ruler.setAttribute("aria-valuetext", clock(this.time, 2));
  }

  #outline(context, i) {
    const { model, theme } = this;
    const y = this.shown.indexOf(model.player[i]) * ROW;
    const [x0, x1] = [this.xOf(model.start[i]), this.xOf(model.end[i])];
    if (y < 0 || x1 < 0 || x0 > this.width) return;
    const isChosen = this.selection.has(i);
    context.strokeStyle = isChosen ? theme.css.accent : theme.css.ink;
    context.lineWidth = isChosen ? 2 : 1;
    context.beginPath();
    context.roundRect(x0, y + PAD - 1, Math.max(x1 - x0 - 1, 2), ROW - 2 * PAD + 1, 3);
    context.stroke();
  }

  /** Stripes for what is not sure (slope 1) or filled in (slope -1). */
  #hatch(context, color, slope) {
    const key = `${color}${slope}`;
    if (!this.#hatches.has(key)) {
      const tile = new OffscreenCanvas(12, 12);
      const pen = tile.getContext("2d");
      pen.strokeStyle = color;
      pen.lineWidth = 3;
      for (const shift of [-12, 0, 12]) {
        pen.beginPath();
        pen.moveTo(shift - 2, slope > 0 ? 14 : -2);
        pen.lineTo(shift + 14, slope > 0 ? -2 : 14);
        pen.stroke();
      }
      const pattern = context.createPattern(tile, "repeat");
      pattern.setTransform(new DOMMatrix().scale(0.5));
      this.#hatches.set(key, pattern);
    }
    return this.#hatches.get(key);
  }

  #scrollTo(row) {
    const [top, bottom] = [row * ROW, (row + 1) * ROW + RULER];
    const { scroll } = this;
    if (top < scroll.scrollTop) scroll.scrollTop = top;
    else if (bottom > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = bottom - scroll.clientHeight;
  }

  #segmentAt(x, y) {
    const player = this.shown[Math.floor(y / ROW)];
    if (player === undefined) return -1;
    const at = this.model.segmentAt(player, this.timeAt(x));
    return at >= 0 && this.model.matches[at] ? at : -1;
  }

  #edgeAt(x, y) {
    if (!this.editable) return null;
    for (const [side, dx] of [
      ["start", GRAB],
      ["end", -GRAB],
    ]) {
      const at = this.#segmentAt(x + dx, y);
      if (at >= 0 && Math.abs(this.xOf(this.model[side][at]) - x) <= GRAB) return { segment: at, side };
    }
    return null;
  }

  #place(event) {
    const box = this.body.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #down(event, area) {
    if (event.button !== 0) return;
    const [x, y] = this.#place(event);
    this.#pointers.set(event.pointerId, { x, y });
    area.setPointerCapture(event.pointerId);
    this.#edge = area === this.body ? this.#edgeAt(x, y) : null;
    this.#drag = { x, y, moved: false, scrub: area === this.ruler, view: { ...this.view }, scrollTop: this.scroll.scrollTop };
    if (this.#drag.scrub) this.#emit("seek", { time: this.timeAt(x) });
  }

  #move(event, area) {
    const [x, y] = this.#place(event);
    if (!this.#pointers.has(event.pointerId)) {
      if (area !== this.body) return;
      this.body.style.cursor = this.#edgeAt(x, y) ? "ew-resize" : "";
      this.#hover(this.#segmentAt(x, y), event);
      return;
    }
    if (this.#pointers.size === 2) {
      this.#pinch(event.pointerId, x, y);
      return;
    }
    this.#pointers.set(event.pointerId, { x, y });
    const drag = this.#drag;
    if (!drag || (!drag.moved && Math.hypot(x - drag.x, y - drag.y) < 4)) return;
    drag.moved = true;
    if (drag.scrub) {
      this.#emit("seek", { time: this.timeAt(x) });
    } else if (this.#edge) {
      this.#edge.time = this.timeAt(x);
      this.#emit("edgepreview", { ...this.#edge });
      this.#redrawTop();
    } else {
      const seconds = ((drag.x - x) / this.width) * (drag.view.end - drag.view.start);
      this.setView(drag.view.start + seconds, drag.view.end + seconds);
    }
  }

  #up(event, area) {
    if (!this.#pointers.delete(event.pointerId)) return;
    const [drag, edge] = [this.#drag, this.#edge];
    const [x, y] = this.#place(event);
    this.#drag = null;
    this.#edge = null;
    if (!drag || event.type === "pointercancel") return;
    if (edge?.time !== undefined) this.#emit("edge", edge);
    else if (!drag.moved && area === this.body) this.#click(x, y, event);
    this.#redrawTop();
  }

  #click(x, y, event) {
    const at = this.#segmentAt(x, y);
    const add = event.shiftKey || event.ctrlKey || event.metaKey;
    if (at >= 0) {
      this.#emit("pick", { segment: at, add });
      if (!add) this.#emit("activate", { segment: at });
      return;
    }
    const player = this.shown[Math.floor(y / ROW)];
    if (player !== undefined) this.#emit("player", { player });
    this.#emit("seek", { time: this.timeAt(x) });
  }

  #pinch(id, x, y) {
    const other = [...this.#pointers].find(([key]) => key !== id)[1];
    const before = this.#pointers.get(id);
    this.#pointers.set(id, { x, y });
    const [was, is] = [Math.abs(before.x - other.x), Math.abs(x - other.x)];
    if (this.#drag) this.#drag.moved = true;
    if (was > 8 && is > 8) this.zoom(is / was, this.timeAt((x + other.x) / 2));
    this.pan(-((x - before.x) / 2 / this.width) * (this.view.end - this.view.start));
    if (this.#drag) Object.assign(this.#drag, { x: other.x, view: { ...this.view } });
  }

  #wheel(event) {
    const [x] = this.#place(event);
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? this.height : 1;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    const perPixel = (this.view.end - this.view.start) / this.width;
    const overflows = this.scroll.scrollHeight > this.scroll.clientHeight + 1;
    if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(-dy / 200), this.timeAt(x));
    else if (event.shiftKey) this.pan((dx || dy) * perPixel);
    else if (Math.abs(dx) > Math.abs(dy)) this.pan(dx * perPixel);
    else if (!overflows) this.zoom(Math.exp(-dy / 300), this.timeAt(x));
    else return; // the rows scroll
    event.preventDefault();
  }

  #hover(segment, event = null) {
    if (segment === this.#hovered && segment < 0) return;
    const isOther = segment !== this.#hovered;
    this.#hovered = segment;
    this.#emit("hover", { segment, x: event?.clientX ?? 0, y: event?.clientY ?? 0 });
    if (isOther) this.#redrawTop();
  }
}

function prepared(canvas) {
  const context = canvas.getContext("2d");
  const scale = devicePixelRatio;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  return context;
}

const widths = new Map();

/** As much of a label as fits; "" where too little would be left. */
function fitted(context, label, room, isItalic) {
  context.font = `${isItalic ? "italic " : ""}12px system-ui, sans-serif`;
  const width = (text) => {
    const key = `${isItalic}${text}`;
    if (!widths.has(key)) widths.set(key, context.measureText(text).width);
    return widths.get(key);
  };
  const text = label.replaceAll("_", " ");
  if (width(text) <= room) return text;
  for (let n = text.length - 1; n >= 2; n--) if (width(`${text.slice(0, n)}…`) <= room) return `${text.slice(0, n)}…`;
  return "";
}

/** The mark of an event: a circle for a shot, an arrow for a pass, a triangle for a rebound, a diamond for a turnover. */
function shape(context, kind, x, y, size) {
  if (kind === "shot") {
    context.arc(x, y, size, 0, 2 * Math.PI);
    return;
  }
  const corners = {
    pass: [[-1, -1], [1, 0], [-1, 1]],
    rebound: [[-1, 1], [0, -1], [1, 1]],
    turnover: [[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]],
  }[kind]; // prettier-ignore
  corners.forEach(([dx, dy], i) => context[i ? "lineTo" : "moveTo"](x + dx * size, y + dy * size));
  context.closePath();
}
