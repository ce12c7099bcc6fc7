// The state of the page in the address, behind the #, so that a link leads to a moment.

import { secondsOf } from "./text.js";

const DELAY = 250; // milliseconds; browsers allow few changes a second

/** What an address asks for: {time, player (id), players, actions, confidence, duration, view}; what is not there is left out. */
export function parseHash(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const state = {};
  const number = (text) => (text.includes(":") ? secondsOf(text) : text === "" ? NaN : Number(text));
  const pair = (name, scale = 1) => {
    const [low, high] = (given.get(name) ?? "").split("~").map(number);
    return low >= 0 && high >= low ? [low / scale, high / scale] : undefined;
  };
  const time = number(given.get("t") ?? "");
  if (Number.isFinite(time)) state.time = time;
  const player = number(given.get("row") ?? "");
  if (Number.isInteger(player)) state.player = player;
  const players = (given.get("who") ?? "").split(",").map(number).filter(Number.isInteger);
  if (players.length) state.players = new Set(players);
  const actions = given.getAll("what").filter(Boolean);
  if (actions.length) state.actions = new Set(actions);
  for (const [key, name, scale] of [
    ["confidence", "sure", 100],
    ["duration", "long", 1],
    ["view", "view", 1],
  ]) {
    const found = pair(name, scale);
    if (found) state[key] = found;
  }
  return state;
}

/** The address of a state, as `parseHash` reads it. */
export function hashOf({ time, player, players, actions, confidence = [0, 1], duration = [0, Infinity], view }) {
  const given = new URLSearchParams();
  if (time !== undefined) given.set("t", time.toFixed(3));
  if (player !== undefined) given.set("row", String(player));
  if (players) given.set("who", [...players].join(","));
  for (const action of actions ?? []) given.append("what", action);
  if (confidence[0] > 0 || confidence[1] < 1) given.set("sure", confidence.map((share) => Math.round(100 * share)).join("~"));
  if (duration[0] > 0 || duration[1] < Infinity) given.set("long", duration.join("~"));
  if (view) given.set("view", view.map((seconds) => seconds.toFixed(2)).join("~"));
  return `#${given}`;
}

/** Keeps the address up to date, and tells of addresses that a person gives. */
export class Address {
  #timer = 0;
  #own = "";

  /** state: () -> the state now. apply: called with the state that a new address asks for. */
  constructor(state, apply) {
    this.state = state;
    this.#own = location.hash;
    addEventListener("hashchange", () => {
      if (location.hash === this.#own) return;
      this.#own = location.hash;
      apply(parseHash(this.#own));
    });
  }

  get href() {
    return location.href.replace(/#.*/, "") + hashOf(this.state());
  }

  later() {
    if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      if (location.hash !== this.#own) return; // a person's, of which "hashchange" tells in a moment
      this.now();
    }, DELAY);
  }

  /** Bring it up to date at once. */
  now() {
    history.replaceState(null, "", hashOf(this.state()));
    this.#own = location.hash; // as the browser writes it
  }
}
