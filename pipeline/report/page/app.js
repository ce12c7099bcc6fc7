// The page: its parts, and who hears of what.
//
// What another page (the studio) builds on:
//   game/model.js     Model     columns of segments, players, frames, the filter. `await model.load(data)` takes other
//                               data (after an edit) and says "changed"; `setFilter` says "filtered".
//   game/boxes.js     BoxStore  boxes by frame, from files, or from a function (minute) -> promise of their content.
//   screen/stage.js   Stage     video and overlay: open, seek, step, play, playSpan; says "frame", "state", "trouble".
//   screen/timeline.js Timeline rows, ruler, playhead: says "seek", "pick", "activate", "player", "hover", "view", and
//                               with `editable` "edgepreview" and "edge". `select(segments)`, `setView`, `zoom`.
//   screen/overview.js, panels/ need the model and a root element each.
//   App                         wires them to index.html. `new App({...}).ready`; `commands` may be added to before
//                               `ready`; `selection` is what is chosen.
// Nothing is global, and every part is told its elements. Data are what pipeline/report/data.py gives.

import { Address, parseHash } from "./address.js";
import { BoxStore } from "./game/boxes.js";
import { Model } from "./game/model.js";
import { fillDownloads } from "./panels/downloads.js";
import { Filters } from "./panels/filters.js";
import { Keys } from "./panels/keys.js";
import { Lists } from "./panels/lists.js";
import { Totals } from "./panels/totals.js";
import { Overview } from "./screen/overview.js";
import { Stage } from "./screen/stage.js";
import { Theme } from "./screen/theme.js";
import { Timeline } from "./screen/timeline.js";
import { Trouble } from "./screen/trouble.js";
import { clock, duration, element, isolated, percent } from "./text.js";

const SPEEDS = [0.1, 0.25, 0.5, 1, 1.5, 2];

export class App {
  /** Build the page about data; boxes: see BoxStore. */
  static async start(data, { boxes = data.boxes, editable = false } = {}) {
    const model = new Model();
    await model.load(data);
    const app = new App(model, { boxes, editable });
    app.open();
    return app;
  }

  constructor(model, { boxes, editable }) {
    this.model = model;
    this.selection = []; // segments
    const get = (this.get = (id) => document.getElementById(id));
    this.theme = new Theme();
    this.boxes = new BoxStore(model, boxes);
    const parts = { model, theme: this.theme };
    this.stage = new Stage({
      video: get("video"),
      canvas: get("overlay"),
      model,
      boxes: this.boxes,
      colorOf: (player) => this.theme.ofPlayer(model.players[player]),
    });
    this.timeline = new Timeline({ ...parts, root: get("timeline"), editable });
    this.overview = new Overview({ ...parts, canvas: get("overview") });
    this.lists = new Lists({ ...parts, actions: get("panel-actions"), events: get("panel-events") });
    this.totals = new Totals({ ...parts, root: get("panel-totals") });
    this.filters = new Filters({ ...parts, root: get("filters"), count: get("count") });
    this.trouble = new Trouble({ root: get("trouble"), stage: this.stage, model });
    this.address = new Address(
      () => this.#state(),
      (state) => this.apply(state),
    );
    this.commands = this.#commands();
    this.#wire();
    this.#facts();
  }

  /** Open the video and go where the address says. */
  open() {
    new Keys({ commands: this.commands, dialog: this.get("help") });
    this.apply(parseHash(location.hash));
    this.trouble.open();
    document.body.dataset.ready = "true";
  }

  /** Go to a state as `parseHash` gives it. */
  apply({ time, player, players, actions, confidence, duration: length, view }) {
    const change = { players, actions, confidence, duration: length };
    if (Object.values(change).some(Boolean)) {
      this.model.resetFilter();
      this.model.setFilter(Object.fromEntries(Object.entries(change).filter(([, value]) => value)));
    }
    if (view) this.timeline.setView(...view);
    if (time !== undefined) this.stage.seek(time);
    const row = this.model.players.findIndex(({ id }) => id === player);
    if (row >= 0) {
      const at = this.model.segmentAt(row, this.stage.time);
      this.select(at >= 0 ? [at] : [], row);
    }
  }

  /** Choose segments, and a player's row. */
  select(segments, player) {
    this.selection = segments;
    this.timeline.select(segments, player);
    this.lists.select(segments);
    this.stage.selected = this.timeline.player;
    this.stage.draw();
    this.address.later();
    if (segments.length === 1) this.say(this.describe(segments[0]));
    else if (player >= 0) this.say(`Player ${isolated(this.model.players[player].name)}`);
  }

  /** A segment in words. */
  describe(index) {
    const { name, team, action, start, end, confidence, byPerson } = this.model.segment(index);
    const sure = byPerson ? "said by a person" : percent(confidence);
    const who = team ? `${isolated(name)} (${isolated(team)})` : isolated(name);
    return `${who}: ${action.replaceAll("_", " ")}, ${clock(start, 2)} to ${clock(end, 2)} (${duration(end - start)}), ${sure}`;
  }

  /** Tell those who do not see the screen. */
  say(text) {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (this.get("live").textContent = text), 150);
  }

  /** Jump to a segment and play it. */
  activate(segment) {
    this.select([segment]);
    const { start, end } = this.model.segment(segment);
    const { view } = this.timeline;
    if (end < view.start || start > view.end) this.timeline.setView(start - (view.end - view.start) / 4, start + (0.75 * (view.end - view.start)));
    this.stage.playSpan(start, end, this.loops);
  }

  #activateEvent(index) {
    const { time, player } = this.model.events[index];
    this.select([], player);
    this.stage.playSpan(time - 1.5, time + 2, this.loops);
  }

  #state() {
    const { filter, frames } = this.model;
    const { view, player } = this.timeline;
    const isWhole = view.start <= frames.start && view.end >= frames.end;
    return {
      time: this.stage.time,
      player: player >= 0 ? this.model.players[player].id : undefined,
      ...filter,
      view: isWhole ? undefined : [view.start, view.end],
    };
  }

  #wire() {
    const { stage, timeline, overview, model } = this;
    stage.addEventListener("frame", () => {
      timeline.setTime(stage.time);
      overview.setTime(stage.time);
      this.get("clock").textContent = clock(stage.time, 2);
      this.get("frame").textContent = model.frames.length ? `frame ${model.frames.index[stage.row]}` : "";
      this.address.later();
    });
    stage.addEventListener("state", () => this.#buttons());
    timeline.addEventListener("seek", ({ detail }) => stage.seek(detail.time));
    timeline.addEventListener("view", ({ detail }) => {
      overview.setView(detail);
      this.address.later();
    });
    timeline.addEventListener("pick", ({ detail: { segment, add } }) => {
      const others = this.selection.filter((one) => one !== segment);
      if (!add) this.select([segment]);
      else this.select(others.length < this.selection.length ? others : [...others, segment], model.player[segment]);
    });
    timeline.addEventListener("activate", ({ detail }) => this.activate(detail.segment));
    timeline.addEventListener("player", ({ detail }) => this.select([], detail.player));
    timeline.addEventListener("hover", ({ detail }) => this.#tip(detail));
    overview.addEventListener("view", ({ detail }) => timeline.setView(detail.start, detail.end));
    this.lists.addEventListener("activate", ({ detail }) => {
      if (detail.segment !== undefined) this.activate(detail.segment);
      else this.#activateEvent(detail.event);
    });
    model.addEventListener("filtered", () => this.address.later());
    model.addEventListener("changed", () => this.#changed());
    this.#wireButtons();
    this.#wireTabs();
    fillDownloads(this.get("downloads"), model);
    document.addEventListener("click", ({ target }) => {
      for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
    });
  }

  #changed() {
    this.select(this.selection.filter((segment) => segment < this.model.length));
    this.stage.seek(this.stage.time);
    this.#facts();
  }

  #wireButtons() {
    const on = (id, run) => this.get(id).addEventListener("click", run);
    on("play", () => this.stage.toggle());
    on("step-back", () => this.stage.step(-1));
    on("step-on", () => this.stage.step(1));
    on("before", () => this.#neighbour(-1));
    on("after", () => this.#neighbour(1));
    on("loop", () => this.#loop());
    on("boxes", () => (this.stage.showsBoxes = !this.stage.showsBoxes));
    on("mute", () => (this.stage.video.muted = !this.stage.video.muted));
    on("full", () => this.#full());
    on("annotated", () => this.trouble.swap());
    on("zoom-in", () => this.timeline.zoom(2));
    on("zoom-out", () => this.timeline.zoom(0.5));
    on("zoom-all", () => this.timeline.fit());
    on("theme", () => this.theme.toggle());
    on("link", () => this.#copyLink());
    on("keys", () => this.#help());
    on("help-close", () => this.get("help").close());
    this.get("video").addEventListener("click", () => this.stage.toggle());
    const speed = this.get("speed");
    speed.append(...SPEEDS.map((rate) => element("option", { value: String(rate), selected: rate === 1 }, `${rate}×`)));
    speed.addEventListener("change", () => (this.stage.video.playbackRate = Number(speed.value)));
    this.get("color").addEventListener("change", ({ target }) => {
      this.timeline.colorBy = target.value;
      this.timeline.redraw();
    });
    this.get("skip").addEventListener("click", (event) => {
      event.preventDefault();
      this.timeline.body.focus();
    });
  }

  #wireTabs() {
    const tabs = [...document.querySelectorAll("[role=tab]")];
    const choose = (tab) => {
      for (const one of tabs) {
        const isChosen = one === tab;
        one.setAttribute("aria-selected", String(isChosen));
        one.tabIndex = isChosen ? 0 : -1;
        this.get(one.getAttribute("aria-controls")).hidden = !isChosen;
      }
    };
    for (const tab of tabs) {
      tab.addEventListener("click", () => choose(tab));
      tab.addEventListener("keydown", ({ key }) => {
        const shown = tabs.filter((one) => !one.hidden);
        const at = shown.indexOf(tab);
        const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: shown.length - 1 }[key];
        if (to === undefined) return;
        const next = shown[(to + shown.length) % shown.length];
        choose(next);
        next.focus();
      });
    }
  }

  #buttons() {
    const { stage } = this;
    const set = (id, pressed) => this.get(id).setAttribute("aria-pressed", String(pressed));
    const play = this.get("play");
    play.setAttribute("aria-label", stage.paused ? "Play" : "Pause");
    play.querySelector("use").setAttribute("href", stage.paused ? "#icon-play" : "#icon-pause");
    set("boxes", stage.showsBoxes);
    set("mute", stage.video.muted);
    set("loop", Boolean(this.loops));
    this.get("boxes").disabled = stage.source?.kind === "annotated";
    this.get("annotated").hidden = !this.trouble.canSwap;
    set("annotated", stage.source?.kind === "annotated");
    this.get("speed").value = String(stage.video.playbackRate);
  }

  #facts() {
    const { data, frames, players, length } = this.model;
    this.get("title").textContent = data.name;
    this.get("facts").textContent =
      `${players.length} players · ${length} actions · ${clock(frames.start, 0)} to ${clock(frames.end, 0)}`;
    const notes = data.notes.map((note) => element("li", {}, element("bdi", {}, note)));
    this.get("notes").replaceChildren(...notes);
    this.get("no-notes").hidden = notes.length > 0;
    this.get("tab-events").hidden = !this.model.events.length;
  }

  #tip({ segment, x, y }) {
    const tip = this.get("tip");
    tip.hidden = segment < 0;
    if (segment < 0) return;
    const { name, team, action, start, end, confidence, byPerson } = this.model.segment(segment);
    tip.replaceChildren(
      element("strong", {}, action.replaceAll("_", " ")),
      element("span", {}, byPerson ? "said by a person" : `${percent(confidence)} sure`),
      element("span", {}, element("bdi", {}, name), team ? " · " : "", element("bdi", {}, team)),
      element("span", {}, `${clock(start, 2)} to ${clock(end, 2)} · ${duration(end - start)}`),
    );
    const { offsetWidth, offsetHeight } = tip;
    tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - offsetWidth - 8))}px`;
    tip.style.top = `${y + offsetHeight + 22 > innerHeight ? y - offsetHeight - 12 : y + 16}px`;
  }

  /** Go to the next wanted segment, or the one before: of the chosen player, else of everybody. */
  #neighbour(step) {
    const { model, timeline, stage } = this;
    const chosen = this.selection.length ? this.selection.at(-1) : -1;
    const found =
      timeline.player >= 0
        ? model.neighbour(timeline.player, chosen >= 0 ? model.start[chosen] : stage.time - 1e-3, step)
        : this.#neighbourOfAll(chosen, step);
    if (found < 0) {
      this.say(step > 0 ? "No action after this" : "No action before this");
      return;
    }
    stage.pause();
    this.select([found], timeline.player);
    stage.seek(model.start[found] + 1e-4);
  }

  #neighbourOfAll(chosen, step) {
    const { model, stage } = this;
    const wanted = model.wanted();
    const at = wanted.indexOf(chosen);
    if (at >= 0) return wanted[at + step] ?? -1;
    const next = wanted.findIndex((i) => model.start[i] > stage.time - 1e-3);
    return (step > 0 ? wanted[next] : wanted[(next < 0 ? wanted.length : next) - 1]) ?? -1;
  }

  #row(step) {
    const { timeline, model, stage } = this;
    if (!timeline.shown.length) return;
    const now = timeline.shown.indexOf(timeline.player);
    const row = now < 0 ? (step > 0 ? 0 : timeline.shown.length - 1) : Math.min(Math.max(now + step, 0), timeline.shown.length - 1);
    const player = timeline.shown[row];
    const at = model.segmentAt(player, stage.time);
    this.select(at >= 0 && model.matches[at] ? [at] : [], player);
  }

  #enter() {
    if (this.selection.length) this.activate(this.selection.at(-1));
    else this.stage.toggle();
  }

  #loop() {
    this.loops = !this.loops;
    this.#buttons();
    if (this.loops && this.selection.length) this.activate(this.selection.at(-1));
  }

  #full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.get("screen").requestFullscreen?.();
  }

  async #copyLink() {
    const { href } = this.address;
    try {
      await navigator.clipboard.writeText(href);
      this.#toast("The link to this moment is copied.");
    } catch {
      this.address.now();
      this.#toast("The link to this moment is in the address line.");
    }
  }

  #toast(text) {
    const toast = this.get("toast");
    toast.textContent = text;
    toast.hidden = false;
    clearTimeout(this.toasting);
    this.toasting = setTimeout(() => (toast.hidden = true), 2500);
    this.say(text);
  }

  #help() {
    this.get("help").showModal();
  }

  #clear() {
    const open = document.querySelector("details.menu[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    } else this.select([], -1);
  }

  #speed(step) {
    const { video } = this.stage;
    const at = SPEEDS.findIndex((rate) => rate >= video.playbackRate - 1e-6);
    video.playbackRate = SPEEDS[Math.min(Math.max(at + step, 0), SPEEDS.length - 1)];
    this.say(`Speed ${video.playbackRate}`);
  }

  #seekBy(seconds) {
    this.stage.seek(this.stage.time + seconds);
    this.say(this.stage.said);
  }

  #stepBy(frames) {
    this.stage.step(frames);
    this.say(this.stage.said);
  }

  #commands() {
    const { stage, timeline, model } = this;
    const group = (name, commands) => commands.map(([keys, does, run]) => ({ group: name, keys: keys.split("|"), does, run }));
    const pan = (share) => timeline.pan(share * (timeline.view.end - timeline.view.start));
    return [
      ...group("Video", [
        [" |k", "play or pause", () => stage.toggle()],
        [",", "a frame back", () => this.#stepBy(-1)],
        [".", "a frame on", () => this.#stepBy(1)],
        ["ArrowLeft", "a second back", () => this.#seekBy(-1)],
        ["ArrowRight", "a second on", () => this.#seekBy(1)],
        ["j", "ten seconds back", () => this.#seekBy(-10)],
        ["l", "ten seconds on", () => this.#seekBy(10)],
        ["Home", "to the beginning", () => this.#seekBy(-Infinity)],
        ["End", "to the end", () => this.#seekBy(Infinity)],
        ["<", "slower", () => this.#speed(-1)],
        [">", "faster", () => this.#speed(1)],
        ["b", "boxes on or off", () => this.get("boxes").click()],
        ["v", "the annotated video, or the source", () => this.get("annotated").click()],
        ["m", "sound on or off", () => this.get("mute").click()],
        ["f", "full screen", () => this.#full()],
      ]),
      ...group("Actions", [
        ["ArrowDown", "next player", () => this.#row(1)],
        ["ArrowUp", "player before", () => this.#row(-1)],
        ["n|]", "next action", () => this.#neighbour(1)],
        ["p|[", "action before", () => this.#neighbour(-1)],
        ["Enter", "play the chosen action", () => this.#enter()],
        ["r", "play it again and again", () => this.#loop()],
        ["Escape", "choose nothing", () => this.#clear()],
      ]),
      ...group("Timeline", [
        ["+|=", "nearer", () => timeline.zoom(1.5)],
        ["-|_", "farther", () => timeline.zoom(1 / 1.5)],
        ["0", "the whole game", () => timeline.fit()],
        ["Shift+ArrowLeft", "what is before", () => pan(-0.25)],
        ["Shift+ArrowRight", "what comes after", () => pan(0.25)],
        ["z", "the chosen action near", () => this.#near()],
        ["o", "only the chosen player, or all", () => this.#only()],
        ["x", "no filters", () => model.resetFilter()],
        ["c", "colour by team or action", () => this.#color()],
      ]),
      ...group("Page", [
        ["u", "copy the link to this moment", () => this.#copyLink()],
        ["t", "light or dark", () => this.theme.toggle()],
        ["?", "these keys", () => this.#help()],
      ]),
    ];
  }

  #near() {
    if (!this.selection.length) return;
    const { start, end } = this.model.segment(this.selection.at(-1));
    this.timeline.showSpan(start, end);
  }

  #only() {
    const { player } = this.timeline;
    if (this.model.filter.players || player < 0) this.model.setFilter({ players: null });
    else this.model.setFilter({ players: new Set([this.model.players[player].id]) });
  }

  #color() {
    const select = this.get("color");
    select.value = select.value === "team" ? "action" : "team";
    select.dispatchEvent(new Event("change"));
  }
}
