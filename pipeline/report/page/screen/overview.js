// The whole game in a strip: how much is done with the ball when, and which part the timeline shows.

import { clock, element } from "../text.js";

const HEIGHT = 34;

/** Events: "view" {start, end} (detail), when another part is asked for. */
export class Overview extends EventTarget {
  #asked = null;
  #drag = null;
  #isPainted = false;

  constructor({ canvas, model, theme }) {
    super();
    Object.assign(this, { canvas, model, theme });
    this.view = { start: model.frames.start, end: model.frames.end };
    this.time = model.frames.start;
    this.window = element("div", { class: "window", "aria-hidden": "true" });
    this.line = element("span", { class: "line", "aria-hidden": "true" });
    canvas.parentElement.append(this.window, this.line);
    for (const name of ["changed", "filtered"]) model.addEventListener(name, () => this.#again());
    theme.addEventListener("changed", () => this.#again());
    new ResizeObserver(() => this.redraw()).observe(canvas.parentElement);
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (this.#drag = null));
  }

  setView(view) {
    this.view = view;
    this.redraw();
  }

  setTime(time) {
    this.time = time;
    this.redraw();
  }

  /** Draw with the next picture of the screen. */
  redraw() {
    this.#asked ??= requestAnimationFrame(() => {
      this.#asked = null;
      this.draw();
    });
  }

  draw() {
    const width = Math.max(this.canvas.parentElement.clientWidth, 1);
    if (!this.#isPainted || this.width !== width) this.#paint(width);
    const [x0, x1] = [this.#x(this.view.start, width), this.#x(this.view.end, width)];
    this.window.style.width = `${Math.max(x1 - x0, 4)}px`;
    this.window.style.transform = `translateX(${x0}px)`;
    this.line.style.transform = `translateX(${this.#x(this.time, width)}px)`;
  }

  #again() {
    this.#isPainted = false;
    this.redraw();
  }

  /** How many wanted players do something with the ball, or anything at all, along the game. */
  #paint(width) {
    const { canvas, model, theme } = this;
    this.#isPainted = true;
    this.width = width;
    const scale = devicePixelRatio;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(HEIGHT * scale);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${HEIGHT}px`;
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.fillStyle = theme.css.row;
    context.fillRect(0, 0, width, HEIGHT);
    const columns = Math.max(Math.floor(width / 2), 1);
    const [all, ball] = [new Float32Array(columns), new Float32Array(columns)];
    const perColumn = (model.frames.end - model.frames.start) / columns;
    for (let i = 0; i < model.length; i++) {
      if (!model.matches[i] || model.action[i] === model.unsure) continue;
      const first = Math.max(Math.floor((model.start[i] - model.frames.start) / perColumn), 0);
      const last = Math.min((model.end[i] - model.frames.start) / perColumn, columns);
      for (let x = first; x < last; x++) {
        all[x] += 1;
        ball[x] += model.isBallAction[model.action[i]];
      }
    }
    const most = Math.max(1, ...all);
    const room = HEIGHT - 12;
    for (const [heights, color, least] of [
      [all, theme.css.line, 0],
      [ball, theme.css["ink-soft"], 1],
    ]) {
      context.fillStyle = color;
      heights.forEach((n, x) => {
        const height = n ? Math.max((room * n) / most, least) : 0;
        context.fillRect((x * width) / columns, HEIGHT - 1 - height, width / columns - 0.5, height);
      });
    }
    this.#minutes(context, width);
    context.fillStyle = theme.css.accent;
    for (const { time, kind } of model.wantedEvents()) {
      if (kind === "shot") context.fillRect(this.#x(time, width) - 1, HEIGHT - 7, 2, 6);
    }
  }

  #minutes(context, width) {
    const { frames } = this.model;
    const steps = [1, 5, 10, 30, 60, 300, 600, 1800];
    const step = steps.find((seconds) => (seconds * width) / (frames.end - frames.start) >= 64) ?? 3600;
    context.fillStyle = this.theme.css["ink-soft"];
    context.font = "10px system-ui, sans-serif";
    context.textBaseline = "top";
    for (let k = Math.ceil(frames.start / step); k * step < frames.end; k++) {
      const x = this.#x(k * step, width);
      context.fillRect(Math.round(x), 0, 1, 4);
      if (x < width - 30) context.fillText(clock(k * step, 0), Math.round(x) + 4, 1.5);
    }
  }

  #x(time, width) {
    const { start, end } = this.model.frames;
    return ((time - start) / (end - start)) * width;
  }

  #timeOf(event) {
    const box = this.canvas.getBoundingClientRect();
    const { start, end } = this.model.frames;
    return start + ((event.clientX - box.left) / box.width) * (end - start);
  }

  #down(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    const time = this.#timeOf(event);
    const { start, end } = this.view;
    const inside = time >= start && time <= end;
    this.#drag = { offset: inside ? time - start : (end - start) / 2 };
    if (!inside) this.#move(event);
  }

  #move(event) {
    if (!this.#drag) return;
    const start = this.#timeOf(event) - this.#drag.offset;
    const length = this.view.end - this.view.start;
    this.dispatchEvent(new CustomEvent("view", { detail: { start, end: start + length } }));
  }
}
