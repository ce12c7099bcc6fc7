// The video with what is drawn over it. It knows frames, boxes and a clock, and nothing of rows and lists.

import { clock } from "../text.js";

const BACK = [0.3, 0.5, 1, 2, 3]; // seconds to go back where a frame cannot be reached by seeking
const LONG_ENOUGH = 0.12; // seconds on the screen in which a frame is surely noticed
const SETTLED = 150; // milliseconds after which the picture of a seek is on the screen
const SLOWEST = 0.0625; // the rate that browsers still play
const BALL_STATES = ["seen", "inferred", "hidden"];

/**
 * Events: "frame" (another picture is shown, or will be as soon as it is decoded: `time`, `row`), "state" (playing or
 * paused, another source), "trouble" (detail: what cannot be played).
 */
export class Stage extends EventTarget {
  #pending = null; // where to seek next, seconds of the file
  #settling = 0;
  #isFresh = false; // whether a picture came since the last seek
  #isRetried = false; // whether the wanted frame was sought twice
  #walk = null; // on the way to a frame that cannot be reached by seeking
  #stopAt = Infinity;
  #loop = null;
  #shownRow = -1; // of the picture that is on the screen
  #showsBoxes = true;

  /** video, canvas: elements, the canvas over the video. colors: player -> colour, from the theme. */
  constructor({ video, canvas, model, boxes, colorOf }) {
    super();
    Object.assign(this, { video, canvas, model, boxes, colorOf });
    this.source = null; // {url, offset, kind}
    this.time = model.frames.start;
    this.selected = -1; // player whose box stands out
    video.addEventListener("error", () => this.#fail());
    video.addEventListener("loadedmetadata", () => this.#loaded());
    video.addEventListener("seeked", () => {
      this.#next();
      this.#settle();
    });
    for (const name of ["play", "pause", "ratechange", "volumechange", "ended"]) {
      video.addEventListener(name, () => this.#walk ?? this.dispatchEvent(new Event("state")));
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
    return this.video.paused || this.#walk !== null;
  }

  get isThere() {
    return this.video.readyState > 0 && this.video.videoWidth > 0;
  }

  get showsBoxes() {
    return this.#showsBoxes;
  }

  set showsBoxes(wanted) {
    this.#showsBoxes = wanted;
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
    this.#endWalk();
    this.#isRetried = false;
    this.#pending = this.video.paused ? frames.middle(row) : this.time;
    this.boxes.near(row);
    this.#next();
    this.#say();
  }

  /** So many frames on, or back. */
  step(count) {
    this.pause();
    const { frames } = this.model;
    const row = Math.min(Math.max(this.row + count, 0), frames.length - 1);
    this.seek(frames.time[row] + 1e-5);
  }

  play() {
    this.#endWalk();
    return this.video.play().catch(() => {}); // what cannot be played is said by "error"
  }

  pause() {
    if (!this.#walk) this.video.pause();
  }

  toggle() {
    if (!this.paused) return this.pause();
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
    if (!this.isThere || this.#shownRow < 0 || this.source.kind === "annotated" || !this.#showsBoxes) return;
    const found = this.boxes.at(this.#shownRow);
    if (!found) return;
    // The picture lies in the middle of the element; its pixels need not be square.
    const shown = Math.min(width / video.videoWidth, height / video.videoHeight);
    const [w, h] = [video.videoWidth * shown, video.videoHeight * shown];
    context.translate((width - w) / 2, (height - h) / 2);
    const [sx, sy] = [w / facts.width, h / facts.height];
    const time = this.model.frames.time[this.#shownRow];
    const boxes = found.boxes.map(({ player, box: [x, y, bw, bh], filled }) => ({
      player,
      filled,
      box: [x * sx, y * sy, bw * sx, bh * sy],
    }));
    boxes.sort((a, b) => (a.player === this.selected) - (b.player === this.selected)); // the chosen one on top
    for (const { player, box, filled } of boxes) this.#drawBox(context, player, box, filled);
    if (found.ball) this.#drawBall(context, found.ball, sx, sy);
    const taken = [];
    for (const { player, box } of boxes.reverse()) this.#drawPlate(context, player, box, time, [w, h], taken);
  }

  #drawBox(context, player, [x, y, w, h], filled) {
    context.lineWidth = player === this.selected ? 4 : 2;
    context.setLineDash(filled ? [5, 4] : []);
    context.strokeStyle = "rgb(0 0 0 / 0.55)";
    context.strokeRect(x - 1, y - 1, w + 2, h + 2);
    context.strokeStyle = this.colorOf(player).fill;
    context.strokeRect(x, y, w, h);
    context.setLineDash([]);
  }

  /** Name and action over a box, or under it where another plate lies over it. */
  #drawPlate(context, player, box, time, [across, down], taken) {
    const { model } = this;
    const color = this.colorOf(player);
    const at = model.segmentAt(player, time + 1e-6);
    const isUnsure = at >= 0 && model.action[at] === model.unsure;
    const size = Math.max(10, Math.min(14, across / 70));
    const fonts = [`600 ${size}px system-ui, sans-serif`, `${isUnsure ? "italic " : ""}${size}px system-ui, sans-serif`];
    const texts = [shortened(model.players[player].name, 18), at < 0 ? "" : model.labels[model.action[at]].replaceAll("_", " ")];
    const widths = texts.map((text, i) => {
      context.font = fonts[i];
      return text ? context.measureText(text).width + 8 : 0;
    });
    const [width, height] = [widths[0] + widths[1], size + 6];
    const left = Math.min(Math.max(box[0], 0), across - width);
    const places = [box[1] - height - 1, box[1] + box[3] + 1, box[1] - 2 * height - 1].map((y) => [left, Math.min(Math.max(y, 0), down - height), width, height]);
    const place = places.find((one) => !taken.some((other) => overlap(one, other))) ?? places[0];
    taken.push(place);
    const top = place[1];
    context.textBaseline = "middle";
    context.fillStyle = "rgb(12 14 18 / 0.8)";
    context.fillRect(left, top, width, height);
    context.fillStyle = color.fill;
    context.fillRect(left, top, widths[0], height);
    context.fillStyle = color.ink;
    context.font = fonts[0];
    context.fillText(texts[0], left + 4, top + height / 2 + 0.5);
    context.fillStyle = isUnsure ? "#b9bec8" : "#ffffff";
    context.font = fonts[1];
    context.fillText(texts[1], left + widths[0] + 4, top + height / 2 + 0.5);
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
    this.#isFresh = true;
    const time = mediaTime + this.source.offset;
    const row = frames.rowAt(time);
    const isShown = row >= 0 && time < frames.endOf(row) + frames.step;
    this.#shownRow = isShown ? row : -1;
    if (!this.video.paused && !this.video.seeking && !this.#walk) {
      this.time = Math.min(Math.max(time, frames.start), frames.end);
      this.boxes.near(Math.max(row, 0));
      this.#say();
      if (row >= 0 && time >= Math.min(this.#stopAt - frames.step / 2, frames.end)) this.#stop();
    }
    if (this.#walk && !this.video.paused) this.#walkOn(row);
    this.draw();
  }

  /** After a seek, when its picture is there: is it the wanted one? */
  #settle(patience = 10) {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      const { video } = this;
      if (!video.paused || video.seeking || this.#pending !== null || this.source.kind === "annotated") return;
      if (this.#isFresh && this.#shownRow !== this.row) this.#again();
      else if (!this.#isFresh && patience) this.#settle(patience - 1);
    }, SETTLED);
  }

  /** Seek once more, as on a busy machine the picture may have been that of a seek before; then walk. */
  #again() {
    if (this.#isRetried || this.#walk) {
      this.#walkOn(this.#shownRow);
      return;
    }
    this.#isRetried = true;
    this.#pending = this.model.frames.middle(this.row) + 1e-5;
    this.#next();
  }

  /**
   * Another frame came than the one that was sought. Files index frames by when they are decoded, and where the rate
   * varies, browsers take the key frame after some frames for the one before them. So go back, and play slowly up to it.
   */
  #walkOn(row) {
    const { frames } = this.model;
    const { video } = this;
    this.#walk ??= { back: 0, rate: video.playbackRate, muted: video.muted };
    const left = this.row - row;
    if (left === 0) {
      video.pause();
      if (video.currentTime + this.source.offset < frames.endOf(row)) this.#endWalk();
      else this.#walkOn(row + 1); // it was noticed too late
    } else if (left < 0) {
      if (this.#walk.back >= BACK.length) {
        this.#endWalk();
        return;
      }
      video.pause();
      this.#pending = Math.max(frames.time[this.row] - BACK[this.#walk.back++], frames.start);
      this.#next();
    } else {
      const length = frames.endOf(this.row) - frames.time[this.row];
      video.muted = true;
      video.playbackRate = left > 2 ? 1 : Math.min(Math.max(length / LONG_ENOUGH, SLOWEST), 1);
      if (video.paused) video.play().catch(() => this.#endWalk());
    }
  }

  #endWalk() {
    if (!this.#walk) return;
    this.video.pause();
    const { rate, muted } = this.#walk;
    Object.assign(this.video, { playbackRate: rate, muted });
    this.#walk = null;
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
    const end = this.#stopAt;
    if (end < this.model.frames.end) this.seek(end - 1e-3); // the last frame of the span, though it may be later
    this.#stopAt = Infinity;
  }

  /** One seek at a time: the last one asked for, when the one before it is done. */
  #next() {
    const { video } = this;
    if (this.#pending === null || video.seeking || video.readyState === 0) return;
    const target = Math.max(this.#pending - this.source.offset, 0);
    this.#pending = null;
    if (Math.abs(video.currentTime - target) < 1e-6) return;
    this.#isFresh = false;
    video.currentTime = target;
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

function overlap([x, y, w, h], [left, top, width, height]) {
  return x < left + width && left < x + w && y < top + height && top < y + h;
}

function shortened(name, length) {
  const letters = [...name];
  return letters.length > length ? `${letters.slice(0, length - 1).join("")}…` : name;
}
