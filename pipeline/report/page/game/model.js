// What was found in a game: players, columns of segments, events, frames; and which of them are wanted.

import { unpack } from "./columns.js";

export const EVENT_KINDS = ["pass", "shot", "rebound", "turnover"];
const BALL_ACTIONS = new Set(["pass", "shoot", "dribble", "ball in hand", "block", "pick"]);
const EVERYTHING = { players: null, actions: null, confidence: [0, 1], duration: [0, Infinity] };

/** The analysed frames: when each is shown, seconds of the video. */
export class Frames {
  constructor(index, microseconds) {
    this.index = index;
    this.time = microseconds.map((time) => time / 1e6);
    const n = this.time.length;
    const steps = Float64Array.from({ length: Math.max(n - 1, 0) }, (_, i) => this.time[i + 1] - this.time[i]).sort();
    this.shortest = steps.length ? steps[0] : 1 / 25;
    this.step = steps.length ? steps[steps.length >> 1] : 1 / 25;
    this.start = n ? this.time[0] : 0;
    this.end = n ? this.time[n - 1] + this.step : 1;
  }

  get length() {
    return this.time.length;
  }

  /** The frame that is shown at a time; -1: before the first. A time that was rounded down a little is of its frame. */
  rowAt(time) {
    return firstAfter(this.time, time + 1e-4) - 1;
  }

  /** When a frame is gone; of the last one, after the usual step. */
  endOf(row) {
    return row + 1 < this.length ? this.time[row + 1] : this.time[row] + this.step;
  }

  /**
   * Where to seek for a frame: its middle, where a player that is a little off still shows it. Players believe lengths
   * that files state, which of a variable rate may be another frame's: so not farther in than the shortest one's half.
   */
  middle(row) {
    const half = (this.endOf(row) - this.time[row]) / 2;
    return this.time[row] + Math.min(half, Math.max(this.shortest / 2, 1e-3));
  }
}

/**
 * The analysis as a page has it. Segments are columns sorted by player, then by start; `rows[p]` is where those of
 * player p begin. Events: "changed" (other data: everything is drawn anew), "filtered" (`matches` is another).
 */
export class Model extends EventTarget {
  #wanted = null; // gathered when somebody asks

  /** data: what pipeline/report/data.py gives. */
  async load(data) {
    const columns = await unpack(data);
    this.data = data;
    this.labels = data.labels;
    this.players = data.players;
    this.frames = new Frames(columns.frame, columns.time);
    this.player = Uint16Array.from(columns.player);
    this.action = Uint16Array.from(columns.action);
    this.start = columns.start.map((ms) => ms / 1000);
    this.end = columns.start.map((ms, i) => (ms + columns.length[i]) / 1000);
    this.startFrame = Int32Array.from(columns.start_frame);
    this.endFrame = Int32Array.from(columns.start_frame, (frame, i) => frame + columns.num_frames[i]);
    this.confidence = Float32Array.from(columns.confidence, (share) => share / 1000);
    this.byPerson = Uint8Array.from(columns.by_person);
    this.rows = offsets(this.player, this.players.length);
    const { start, player } = this;
    this.byTime = Array.from(player, (_, i) => i).sort((a, b) => start[a] - start[b] || player[a] - player[b]);
    this.there = this.#runs(columns, "there");
    this.filled = this.#runs(columns, "filled");
    this.cuts = Array.from(columns.cut, (row) => this.frames.time[row]);
    this.events = Array.from(columns.event_row, (row, i) => ({
      index: i,
      time: this.frames.time[row],
      kind: EVENT_KINDS[columns.event_kind[i]],
      player: columns.event_player[i],
      to: columns.event_to[i],
      confidence: columns.event_confidence[i] / 1000,
    }));
    this.unsure = this.labels.length - 1;
    this.isBallAction = Uint8Array.from(this.labels, (label) => BALL_ACTIONS.has(label));
    this.order = this.#order();
    const known = new Set(this.players.map((player) => player.id));
    const players = this.filter?.players && [...this.filter.players].filter((id) => known.has(id));
    this.filter = { ...EVERYTHING, ...this.filter, players: players?.length ? new Set(players) : null };
    this.#match();
    this.dispatchEvent(new Event("changed"));
  }

  get length() {
    return this.player.length;
  }

  /** A segment by its number, with its names. */
  segment(index) {
    const player = this.player[index];
    return {
      index,
      player,
      id: this.players[player].id,
      name: this.players[player].name,
      team: this.players[player].team,
      action: this.labels[this.action[index]],
      start: this.start[index],
      end: this.end[index],
      startFrame: this.startFrame[index],
      endFrame: this.endFrame[index],
      confidence: this.confidence[index],
      byPerson: Boolean(this.byPerson[index]),
    };
  }

  /** The segment of a player at a time; -1: none. */
  segmentAt(player, time) {
    const at = firstAfter(this.start, time, this.rows[player], this.rows[player + 1]) - 1;
    return at >= this.rows[player] && this.end[at] > time ? at : -1;
  }

  /** The next wanted segment of a player that begins after a time (step 1), or the last before it (step -1); or -1. */
  neighbour(player, time, step) {
    const [low, high] = [this.rows[player], this.rows[player + 1]];
    let at = step > 0 ? firstAfter(this.start, time + 1e-6, low, high) : firstAfter(this.start, time - 1e-6, low, high) - 1;
    while (at >= low && at < high && !this.matches[at]) at += step;
    return at >= low && at < high ? at : -1;
  }

  /** Numbers of players whom the filter lets through, in the order of rows. */
  shownPlayers() {
    const { players } = this.filter;
    return players ? this.order.filter((player) => players.has(this.players[player].id)) : this.order;
  }

  /** Numbers of wanted segments, by time, then by player. */
  wanted() {
    this.#wanted ??= this.byTime.filter((i) => this.matches[i]);
    return this.#wanted;
  }

  /** Events of wanted players, by time; where actions are chosen, only passes with "pass" and shots with "shoot". */
  wantedEvents() {
    const { players, actions } = this.filter;
    const label = { shot: "shoot", turnover: "pass" };
    return this.events.filter(
      ({ player, kind }) =>
        (!players || players.has(this.players[player].id)) && (!actions || actions.has(label[kind] ?? kind)),
    );
  }

  /** change: some of players (a set of ids), actions (a set of labels), confidence, duration (lowest, highest). */
  setFilter(change) {
    this.filter = { ...this.filter, ...change };
    this.#match();
    this.dispatchEvent(new Event("filtered"));
  }

  resetFilter() {
    if (this.isFiltered) this.setFilter(EVERYTHING);
  }

  get isFiltered() {
    const { players, actions, confidence, duration } = this.filter;
    return Boolean(players || actions || confidence[0] > 0 || confidence[1] < 1 || duration[0] > 0 || duration[1] < Infinity);
  }

  #match() {
    const { players, actions, confidence, duration } = this.filter;
    const isPlayer = this.players.map(({ id }) => !players || players.has(id));
    const isAction = this.labels.map((label) => !actions || actions.has(label));
    this.#wanted = null;
    this.matches = new Uint8Array(this.length);
    this.numMatches = 0;
    for (let i = 0; i < this.length; i++) {
      const seconds = this.end[i] - this.start[i];
      const matches =
        isPlayer[this.player[i]] &&
        isAction[this.action[i]] &&
        this.confidence[i] >= confidence[0] - 1e-6 &&
        this.confidence[i] <= confidence[1] + 1e-6 &&
        seconds >= duration[0] - 1e-6 &&
        seconds <= duration[1] + 1e-6;
      this.matches[i] = matches;
      this.numMatches += matches;
    }
  }

  #runs(columns, name) {
    const [player, row, length] = ["player", "row", "length"].map((column) => columns[`${name}_${column}`]);
    return {
      start: row.map((first) => this.frames.time[first]),
      end: row.map((first, i) => this.frames.endOf(first + length[i] - 1)),
      rows: offsets(player, this.players.length),
    };
  }

  #order() {
    const rank = new Map([...this.data.teams, ""].map((team, i) => [team, i]));
    const compare = new Intl.Collator(undefined, { numeric: true }).compare;
    return this.players
      .map((_, player) => player)
      .sort((a, b) => {
        const [one, other] = [this.players[a], this.players[b]];
        return (rank.get(one.team) ?? 9) - (rank.get(other.team) ?? 9) || compare(one.name, other.name);
      });
  }
}

/** The first place in an ascending column, from low to before high, that is larger than a value; else high. */
export function firstAfter(column, value, low = 0, high = column.length) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where the entries of each of n owners begin in a sorted column of owners; and the end. */
function offsets(owners, n) {
  const first = new Uint32Array(n + 1);
  for (const owner of owners) first[owner + 1]++;
  for (let i = 0; i < n; i++) first[i + 1] += first[i];
  return first;
}
