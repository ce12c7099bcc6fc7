// The video with what is drawn over it. It knows frames, boxes and a clock, and nothing of rows and lists.

import { clock } from "../text.js";

const BALL_STATES = ["seen", "inferred", "hidden"];

/**
 * Events: "frame" (another picture is shown, or will be as soon as it is decoded: `time`, `row`), "state" (playing or
 * paused, another source), "trouble" (detail: what cannot be played).
 */
export class Stage extends EventTarget {
  #pending = null; // where to seek next, seconds of the file
  #stopAt = Infinity;
  #loop = null;
  #shownRow = -1; // of the picture that is on the screen
  #wanted = { boxes: true, labels: true };

  /** video, canvas: elements, the canvas over the video. colors: player -> colour, from the theme. */
  constructor({ video, canvas, model, boxes, colorOf }) {
    super();
    Object.assign(this, { video, canvas, model, boxes, colorOf });
    this.source = null; // {url, offset, kind}
    this.time = model.frames.start;
    this.selected = -1; // player whose box stands out
    video.addEventListener("error", () => this.#fail());
    video.addEventListener("loadedmetadata", () => this.#loaded());
    video.addEventListener("seeked", () => this.#next());
    for (const name of ["play", "pause", "ratechange", "volumechange", "ended"]) {
      video.addEventListener(name, () => this.dispatchEvent(new Event("state")));
    }
    boxes.addEventListener("loaded", () => this.draw());
    model.addEventListener("changed", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(video);
    this.#watch();
  }

  get row() {
    return Math.max(this.model.frames.rowAt(this.time), 0);
  }

  get paused() {
    return this.video.paused;
  }

  get isThere() {
    return this.video.readyState > 0 && this.video.videoWidth > 0;
  }

  get showsBoxes() {
    return this.#wanted.boxes;
  }

  set showsBoxes(wanted) {
    this.#wanted.boxes = wanted;
    this.draw();
    this.dispatchEvent(new Event("state"));
  }

  /** source: {url, kind: "source" | "annotated" | "chosen", offset: seconds of the game at which the file begins}. */
  open(source) {
    this.source = source;
    this.#shownRow = -1;
    this.video.src = source.url;
    this.seek(this.time);
    this.dispatchEvent(new Event("state"));
  }

  /** Show the frame of a time, seconds of the game. */
  seek(time) {
    const { frames } = this.model;
    if (!frames.length) return;
    const row = Math.min(Math.max(frames.rowAt(time), 0), frames.length - 1);
    this.time = Math.min(Math.max(time, frames.start), frames.end - 1e-3);
    this.#stopAt = Infinity;
    this.#loop = null;
    this.#pending = this.video.paused ? frames.middle(row) : this.time;
    this.boxes.near(row);
    this.#next();
    this.#say();
  }

  /** So many frames on, or back. */
  step(count) {
    this.video.pause();
    const { frames } = this.model;
    const row = Math.min(Math.max(this.row + count, 0), frames.length - 1);
    this.seek(frames.time[row] + 1e-5);
  }

  play() {
    this.#pending ??= null;
    return this.video.play().catch(() => {}); // what cannot be played is said by "error"
  }

  pause() {
    this.video.pause();
  }

  toggle() {
    if (!this.video.paused) return this.pause();
    this.#stopAt = Infinity;
    if (this.time >= this.model.frames.end - 2 * this.model.frames.step) this.seek(this.model.frames.start);
    return this.play();
  }

  /** Play from start to end, seconds of the game, and stop there; loop: again and again. */
  playSpan(start, end, loop = false) {
    this.seek(start);
    this.#stopAt = end;
    this.#loop = loop ? start : null;
    return this.play();
  }

  /** Draw over the picture that is on the screen. */
  draw() {
    const { canvas, video } = this;
    const [width, height] = [video.clientWidth, video.clientHeight];
    const scale = devicePixelRatio;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    canvas.dataset.row = String(this.#shownRow);
    const facts = this.model.data.video;
    if (!this.isThere || this.#shownRow < 0 || this.source.kind === "annotated" || !this.#wanted.boxes) return;
    const found = this.boxes.at(this.#shownRow);
    if (!found) return;
    // The picture lies in the middle of the element; its pixels need not be square.
    const shown = Math.min(width / video.videoWidth, height / video.videoHeight);
    const [w, h] = [video.videoWidth * shown, video.videoHeight * shown];
    context.translate((width - w) / 2, (height - h) / 2);
    const [sx, sy] = [w / facts.width, h / facts.height];
    const time = this.model.frames.time[this.#shownRow];
    for (const { player, box, filled } of found.boxes) {
      const [x, y, bw, bh] = [box[0] * sx, box[1] * sy, box[2] * sx, box[3] * sy];
      this.#drawBox(context, player, [x, y, bw, bh], filled, time, w);
    }
    if (found.ball) this.#drawBall(context, found.ball, sx, sy);
  }

  #drawBox(context, player, [x, y, w, h], filled, time, across) {
    const color = this.colorOf(player);
    const isSelected = player === this.selected;
    context.lineWidth = isSelected ? 3.5 : 2;
    context.setLineDash(filled ? [5, 4] : []);
    context.strokeStyle = "rgb(0 0 0 / 0.55)";
    context.strokeRect(x - 1, y - 1, w + 2, h + 2);
    context.strokeStyle = color.fill;
    context.strokeRect(x, y, w, h);
    context.setLineDash([]);
    if (!this.#wanted.labels) return;
    const at = this.model.segmentAt(player, time + 1e-6);
    const what = at < 0 ? "" : this.model.labels[this.model.action[at]];
    const size = Math.max(10, Math.min(14, across / 70));
    const name = shortened(this.model.players[player].name, 18);
    context.font = `600 ${size}px system-ui, sans-serif`;
    context.textBaseline = "middle";
    const nameWidth = context.measureText(name).width + 8;
    context.font = `${size}px system-ui, sans-serif`;
    const width = nameWidth + (what ? context.measureText(what).width + 8 : 0);
    const [left, top] = [Math.min(Math.max(x, 0), across - width), Math.max(y - size - 7, 0)];
    context.fillStyle = "rgb(12 14 18 / 0.78)";
    context.fillRect(left, top, width, size + 6);
    context.fillStyle = color.fill;
    context.fillRect(left, top, nameWidth, size + 6);
    context.fillStyle = color.ink;
    context.font = `600 ${size}px system-ui, sans-serif`;
    context.fillText(name, left + 4, top + size / 2 + 3.5);
    if (!what) return;
    context.fillStyle = at >= 0 && this.model.action[at] === this.model.unsure ? "#b9bec8" : "#fff";
    context.font = `${at >= 0 && this.model.action[at] === this.model.unsure ? "italic " : ""}${size}px system-ui, sans-serif`;
    context.fillText(what, left + nameWidth + 4, top + size / 2 + 3.5);
  }

  #drawBall(context, { x, y, state }, sx, sy) {
    if (BALL_STATES[state] === "hidden") return;
    context.beginPath();
    context.arc(x * sx, y * sy, 7, 0, 2 * Math.PI);
    context.setLineDash(BALL_STATES[state] === "seen" ? [] : [3, 3]);
    for (const [width, color] of [
      [4, "rgb(0 0 0 / 0.55)"],
      [2, "#ff9d2e"],
    ]) {
      context.lineWidth = width;
      context.strokeStyle = color;
      context.stroke();
    }
    context.setLineDash([]);
  }

  /** Follow the pictures that are shown: a frame's own time where the browser tells it. */
  #watch() {
    const { video } = this;
    if (video.requestVideoFrameCallback) {
      const shown = (_, { mediaTime }) => {
        this.#picture(mediaTime);
        video.requestVideoFrameCallback(shown);
      };
      video.requestVideoFrameCallback(shown);
      return;
    }
    const look = () => {
      if (this.isThere && !video.seeking) this.#picture(video.currentTime);
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }

  /** A picture of this time of the file is on the screen. */
  #picture(mediaTime) {
    const { frames } = this.model;
    if (!frames.length || !this.source) return;
    const time = mediaTime + this.source.offset;
    const row = frames.rowAt(time);
    const isShown = row >= 0 && time < frames.endOf(row) + frames.step;
    this.#shownRow = isShown ? row : -1;
    if (!this.video.paused && !this.video.seeking) {
      this.time = Math.min(Math.max(time, frames.start), frames.end);
      this.boxes.near(Math.max(row, 0));
      this.#say();
      if (row >= 0 && time >= Math.min(this.#stopAt - frames.step / 2, frames.end)) this.#stop();
    }
    this.draw();
  }

  #stop() {
    if (this.#loop !== null) {
      const [start, end] = [this.#loop, this.#stopAt];
      this.seek(start);
      this.#stopAt = end;
      this.#loop = start;
      return;
    }
    this.video.pause();
    this.#stopAt = Infinity;
  }

  /** One seek at a time: the last one asked for, when the one before it is done. */
  #next() {
    const { video } = this;
    if (this.#pending === null || video.seeking || video.readyState === 0) return;
    const target = Math.max(this.#pending - this.source.offset, 0);
    this.#pending = null;
    if (Math.abs(video.currentTime - target) > 1e-6) video.currentTime = target;
  }

  #loaded() {
    if (!this.video.videoWidth) {
      this.#fail(); // its sound can be played and its pictures cannot
      return;
    }
    this.boxes.near(this.row);
    this.#next();
    this.dispatchEvent(new Event("state"));
  }

  #fail() {
    if (!this.source?.url) return;
    this.dispatchEvent(new CustomEvent("trouble", { detail: { ...this.source, code: this.video.error?.code ?? 0 } }));
  }

  #say() {
    this.dispatchEvent(new Event("frame"));
  }

  /** Time and frame in words. */
  get said() {
    const { frames } = this.model;
    return frames.length ? `${clock(this.time, 2)}, frame ${frames.index[this.row]}` : clock(0, 2);
  }
}

function shortened(name, length) {
  const letters = [...name];
  return letters.length > length ? `${letters.slice(0, length - 1).join("")}…` : name;
}
