// What the analysis is least sure of, one after the other.

import { clock, element } from "/report/text.js";

import { get } from "../api.js";

const BEFORE = 0.5; // seconds shown before and after a doubtful moment

export class Doubts {
  #found = [];
  #seen = new Set();
  #now = null;

  /** root: the panel of doubts. */
  constructor({ root, id, app, model, edits }) {
    Object.assign(this, { root, id, app, model, edits });
    edits.addEventListener("changed", () => this.#load());
    this.#load();
  }

  commands() {
    const command = (keys, does, run) => ({ group: "Corrections", keys: [keys], does, run });
    return [command("q", "next doubtful", () => this.next(1)), command("Q", "doubtful before", () => this.next(-1))];
  }

  /** The most doubtful that was not looked at yet; step -1: the one before. */
  next(step) {
    const at = this.#now === null ? -1 : this.#found.findIndex((doubt) => keyOf(doubt) === this.#now);
    const found = step > 0 ? this.#found.find((doubt, i) => i > at && !this.#seen.has(keyOf(doubt))) : this.#found[at - 1];
    if (!found) return this.app.say(step > 0 ? "No more doubts" : "None before this");
    this.#go(found);
  }

  async #load() {
    try {
      this.#found = await get("/api/game/doubts", { id: this.id });
    } catch {
      return; // it is said where the correction itself is
    }
    this.#fill();
  }

  #go(doubt) {
    const { app, model } = this;
    this.#now = keyOf(doubt);
    this.#seen.add(this.#now);
    const player = model.players.findIndex(({ id }) => id === doubt.id);
    const at = doubt.kind === "label" && player >= 0 ? model.segmentAt(player, (doubt.start + doubt.end) / 2) : -1;
    app.stage.pause();
    app.select(at >= 0 ? [at] : [], player);
    app.timeline.showSpan(doubt.start, doubt.end);
    app.stage.playSpan(Math.max(doubt.start - BEFORE, model.frames.start), Math.min(doubt.end + BEFORE, model.frames.end));
    app.say(`${this.#name(doubt)}: ${doubt.why}`);
    this.#fill();
  }

  #name({ id }) {
    return this.model.players.find((player) => player.id === id)?.name ?? String(id);
  }

  #fill() {
    const left = this.#found.filter((doubt) => !this.#seen.has(keyOf(doubt))).length;
    const next = element("button", { type: "button", class: "primary", id: "next-doubt", title: "Next doubtful (q)" }, "Next doubtful");
    next.disabled = !left;
    next.addEventListener("click", () => this.next(1));
    const rows = this.#found.slice(0, 100).map((doubt) => this.#row(doubt));
    this.root.replaceChildren(
      element("div", { class: "panel-head" }, next, element("span", { class: "count" }, `${left} of ${this.#found.length} not looked at`)),
      ...(rows.length ? [element("ul", { class: "doubts" }, ...rows)] : [element("p", { class: "empty" }, "Nothing is doubtful.")]),
    );
  }

  #row(doubt) {
    const jump = element("button", { type: "button", class: "jump" }, clock(doubt.start, 1));
    jump.setAttribute("aria-label", `Look at ${this.#name(doubt)} at ${clock(doubt.start, 1)}`);
    jump.setAttribute("aria-current", String(keyOf(doubt) === this.#now));
    jump.addEventListener("click", () => this.#go(doubt));
    const classes = [keyOf(doubt) === this.#now ? "is-chosen" : "", this.#seen.has(keyOf(doubt)) ? "is-seen" : ""].join(" ");
    return element("li", { class: classes }, jump, element("bdi", { class: "who" }, this.#name(doubt)), element("span", { class: "why" }, doubt.why));
  }
}

function keyOf({ kind, id, start }) {
  return `${kind} ${id} ${start.toFixed(3)}`;
}
