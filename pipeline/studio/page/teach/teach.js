// Labels of one's own: mark examples, learn from them, look at what they say of this game, keep or discard.

import { clock, element, percent } from "/report/text.js";

import { get, post } from "../api.js";
import { curveOf } from "./curve.js";

const LOOK = 700; // milliseconds
const MOST_ROWS = 200;

export class Teach {
  #state = { labels: [], state: "none" };
  #rows = null;

  /** root: the panel. bar: tells what is chosen. */
  constructor({ root, id, app, model, edits, bar }) {
    Object.assign(this, { root, id, app, model, edits, bar });
    this.label = element("input", { type: "text", id: "teach-label", list: "teach-labels", maxlength: "40", autocomplete: "off", dir: "auto" });
    this.label.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.add();
    });
    this.known = element("datalist", { id: "teach-labels" });
    this.whole = element("input", { type: "checkbox", id: "teach-whole" });
    this.adds = this.#button("teach-add", "Add what is chosen", () => this.add(), "Add what is chosen as an example (A)");
    this.says = element("p", { class: "why", role: "status", id: "teach-says" });
    this.list = element("ul", { class: "lessons" });
    this.learns = this.#button("teach-learn", "Learn", () => this.#send("learn", {}), "");
    this.learns.classList.add("primary");
    this.needs = element("span", { class: "why", id: "teach-needs" });
    this.learns.setAttribute("aria-describedby", "teach-needs");
    this.results = element("div", { class: "learnt" });
    root.append(
      element("p", { class: "why" }, "Mark what you want to be told apart: choose actions, or a player and a span, and say what it is."),
      element("div", { class: "teach-row" }, element("label", { for: "teach-label" }, "It shows"), this.label, this.known, this.adds),
      element("label", { class: "check", for: "teach-whole" }, this.whole, "the whole picture, not one player"),
      this.says,
      this.list,
      element("div", { class: "teach-row" }, this.learns, this.needs),
      this.results,
    );
    this.#load();
  }

  commands() {
    return [
      { group: "Corrections", keys: ["A"], does: "add what is chosen as an example", run: () => this.add() },
      { group: "Corrections", keys: ["T"], does: "teach: the label of examples", run: () => this.#show() },
    ];
  }

  async add() {
    const label = this.label.value.trim();
    if (!label) {
      this.#show();
      this.#say("Say first what it shows");
      return;
    }
    const spans = this.bar.spans().map(({ id, start, end }) => ({ player: this.whole.checked ? null : id, start, end }));
    if (!spans.length) {
      this.#say("Choose an action first, or a player and mark a span (i and y)");
      return;
    }
    this.#say("Cutting…");
    if (await this.#send("add", { label, spans })) this.#say(`${spans.length === 1 ? "An example" : `${spans.length} examples`} of ${label} added`);
  }

  #show() {
    document.getElementById("tab-teach").click();
    this.label.focus();
  }

  async #load() {
    try {
      this.#take(await get("/api/lesson", { id: this.id }));
    } catch (error) {
      this.#say(error.message);
      setTimeout(() => this.#load(), 6 * LOOK);
    }
  }

  async #send(what, body) {
    try {
      this.#take(await post(`/api/lesson/${what}`, { id: this.id, ...body }));
      return true;
    } catch (error) {
      this.#say(error.message);
      return false;
    }
  }

  #say(text) {
    this.says.textContent = text;
    this.app.say(text);
  }

  #take(state) {
    const before = this.#state.state;
    this.#state = state;
    this.root.dataset.state = state.state;
    this.known.replaceChildren(...state.labels.map(({ label }) => element("option", { value: label })));
    this.list.replaceChildren(...state.labels.map((one) => this.#lesson(one)));
    const isBusy = ["adapt", "label", "busy"].includes(state.state);
    const isEnough = state.labels.length >= 2 && state.labels.every(({ examples }) => examples.length >= state.least);
    this.learns.disabled = isBusy || !isEnough;
    this.needs.textContent = isEnough ? "" : `It takes ${state.least} examples of each of 2 labels or more`;
    if (state.state !== "ready") this.#rows = null;
    this.#fill();
    if (state.state === "ready" && before !== "ready") this.#compare();
    if (isBusy) setTimeout(() => this.#load(), LOOK);
  }

  async #compare() {
    try {
      this.#rows = await get("/api/lesson/compare", { id: this.id });
    } catch (error) {
      this.#say(error.message);
    }
    this.#fill();
    this.app.say("Learnt. The labels before and after are shown, uncertain ones first");
  }

  #lesson({ label, examples }) {
    const few = examples.length < this.#state.least ? `, ${this.#state.least - examples.length} more are needed` : "";
    const items = examples.map(({ id, name }) => {
      const gone = element("button", { type: "button", class: "link" }, "Remove");
      gone.setAttribute("aria-label", `Remove ${name} of ${label}`);
      gone.addEventListener("click", () => this.#send("remove", { example: id }));
      return element("li", {}, element("bdi", {}, name.replaceAll("_", " ")), gone);
    });
    return element("li", {}, element("details", {}, element("summary", {}, element("bdi", { class: "who" }, label), `${examples.length}${few}`), element("ul", {}, ...items)));
  }

  #fill() {
    const { state, progress, error, learnt } = this.#state;
    const parts = [];
    if (state === "busy") parts.push(element("p", { class: "why" }, "Another game is being learnt from."));
    if (state === "adapt" || state === "label") parts.push(this.#progress(state, progress));
    if (state === "failed") parts.push(element("p", { class: "wrong", role: "alert" }, error));
    if (state === "ready") parts.push(...this.#learnt(learnt));
    this.results.replaceChildren(...parts);
  }

  #progress(state, progress) {
    const bar = element("progress", { max: "1", "aria-label": "How far learning is" });
    if (progress?.total) bar.value = Math.min(progress.done / progress.total, 1);
    return element("div", {}, element("p", { role: "status" }, state === "adapt" ? "Learning from the examples…" : "Labelling this game anew…"), bar);
  }

  #learnt(learnt) {
    const keep = this.#button("teach-keep", "Keep", () => this.#keep(), "Label this game so from now on");
    keep.classList.add("primary");
    const leave = this.#button("teach-discard", "Discard", () => this.#send("discard", {}), "Examples stay");
    const parts = [element("div", { class: "teach-row" }, keep, leave)];
    if (learnt) parts.push(...this.#figures(learnt));
    if (this.#rows) parts.push(this.#table());
    return parts;
  }

  #figures({ report, curve }) {
    const recalls = Object.entries(report.per_class).map(([label, { recall, support }]) => element("li", {}, element("bdi", {}, label), `: ${percent(recall)} of ${support} known again when left out`));
    return [
      element("p", {}, `Macro-F1 ${report.macro_f1.toFixed(2)} on examples left out in turn.`),
      element("ul", { class: "why" }, ...recalls),
      ...curveOf(curve),
    ];
  }

  #table() {
    const rows = this.#rows.slice(0, MOST_ROWS).map(({ id, name, start, end, before, after, confidence }) => {
      const jump = element("button", { type: "button", class: "jump" }, clock(start, 1));
      jump.setAttribute("aria-label", `Play ${name} at ${clock(start, 1)}`);
      jump.addEventListener("click", () => this.#go(id, start, end));
      return element(
        "tr",
        { class: before === after ? "" : "is-other" },
        element("td", {}, jump),
        element("th", { scope: "row" }, element("bdi", {}, name)),
        element("td", {}, element("bdi", {}, before.replaceAll("_", " "))),
        element("td", {}, element("bdi", {}, after.replaceAll("_", " "))),
        element("td", { class: "number" }, percent(confidence)),
      );
    });
    const head = ["Start", "Player", "Before", "After", "Sure"].map((name) => element("th", { scope: "col" }, name));
    const more = this.#rows.length > rows.length ? `, of ${this.#rows.length}` : "";
    return element(
      "table",
      { id: "teach-table" },
      element("caption", {}, `${rows.length} actions${more}, uncertain ones first`),
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows),
    );
  }

  #go(id, start, end) {
    const { app, model } = this;
    if (id !== null) app.select([], model.players.findIndex((player) => player.id === id));
    app.timeline.showSpan(start, end);
    app.stage.playSpan(start, end);
  }

  async #keep() {
    try {
      await this.edits.show(await post("/api/lesson/keep", { id: this.id }));
      this.#say("Kept: the game is labelled so from now on");
    } catch (error) {
      this.#say(error.message);
    }
    this.#load();
  }

  #button(id, text, run, title) {
    const made = element("button", { type: "button", id, title }, text);
    made.addEventListener("click", run);
    return made;
  }
}
