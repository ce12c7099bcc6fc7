// Boxes and ball of each frame, loaded minute by minute as the playhead comes near.

import { unpack } from "./columns.js";

const MINUTE = 60;
const PER_PIXEL = 2;
const KEPT = 6; // minutes in memory

/** Events: "loaded" when a minute is there. */
export class BoxStore extends EventTarget {
  #minutes = new Map(); // number -> minute, or null while it is fetched or where there is none
  #queue;

  /**
   * model: whose frames and players. address: of the folder with the files; or a function (minute) -> promise of what
   * a file holds, where a server gives it.
   */
  constructor(model, address) {
    super();
    this.model = model;
    this.address = address;
    this.#queue = { push: (content) => this.#take(content) };
    model.addEventListener("changed", () => this.#minutes.clear());
    if (typeof address === "string") self.courtscribeBoxes = this.#queue; // scripts of boxes push to it
  }

  /** Boxes of a frame, [{player, box: [left, top, width, height], filled}]; and of its ball. Null: not loaded yet. */
  at(row) {
    const minute = this.#minutes.get(this.#minuteOf(row));
    if (!minute) return null;
    const { rowStart, order, columns, first } = minute;
    const at = row - first;
    const boxes = [];
    for (let i = rowStart[at] ?? 0; i < (rowStart[at + 1] ?? 0); i++) {
      const k = order[i];
      const player = minute.numbers.get(columns.id[k]);
      if (player === undefined) continue;
      const box = ["left", "top", "width", "height"].map((name) => columns[name][k] / PER_PIXEL);
      boxes.push({ player, box, filled: Boolean(columns.filled[k]) });
    }
    const ball = minute.ball.get(row);
    return { boxes, ball };
  }

  /** Fetch what is shown at a frame and soon after it. */
  async near(row) {
    const now = this.#minuteOf(row);
    const soon = this.#minuteOf(Math.min(row + Math.round(10 / this.model.frames.step), this.model.frames.length - 1));
    await Promise.all([...new Set([now, soon])].map((minute) => this.#fetch(minute)));
  }

  #minuteOf(row) {
    return Math.floor(this.model.frames.time[row] / MINUTE);
  }

  async #fetch(minute) {
    if (this.#minutes.has(minute) || !Number.isFinite(minute)) return;
    this.#minutes.set(minute, null);
    for (const old of this.#minutes.keys()) {
      if (this.#minutes.size > KEPT && Math.abs(old - minute) > 1) this.#minutes.delete(old);
    }
    if (typeof this.address === "function") {
      this.#take(await this.address(minute));
      return;
    }
    if (!this.model.data.minutes.includes(minute)) return;
    const script = document.createElement("script");
    script.src = `${this.address}/boxes-${String(minute).padStart(4, "0")}.js`;
    script.onload = script.onerror = () => script.remove();
    document.head.append(script);
  }

  async #take(content) {
    if (!content || content.version !== this.model.data.version) return; // of another state of the analysis
    const columns = await unpack(content);
    const { minute } = content;
    const first = this.model.frames.rowAt(minute * MINUTE - 1e-3) + 1;
    const end = this.model.frames.rowAt((minute + 1) * MINUTE) + 1;
    const rowStart = new Uint32Array(Math.max(end - first, 0) + 2);
    for (const row of columns.row) rowStart[row - first + 1]++;
    for (let i = 1; i < rowStart.length; i++) rowStart[i] += rowStart[i - 1];
    const [next, order] = [rowStart.slice(), new Uint32Array(columns.row.length)];
    columns.row.forEach((row, k) => (order[next[row - first]++] = k));
    const ball = new Map();
    columns.ball_row.forEach((row, k) =>
      ball.set(row, { x: columns.ball_x[k] / PER_PIXEL, y: columns.ball_y[k] / PER_PIXEL, state: columns.ball_state[k] }),
    );
    const numbers = new Map(this.model.players.map((player, number) => [player.id, number]));
    this.#minutes.set(minute, { first, rowStart, order, columns, ball, numbers });
    this.dispatchEvent(new Event("loaded"));
  }
}
