// The bar of corrections: what is chosen, what can be done with it, whether it is saved.

import { clock, element, isolated } from "/report/text.js";

import { askChoice, askText } from "./ask.js";

const NEAR = 1e-3; // seconds

export class EditBar {
  #pressed = ""; // the key

  /** root: an empty toolbar. */
  constructor({ root, edits, app, model }) {
    Object.assign(this, { root, edits, app, model });
    this.#build();
    const fill = () => this.#fill();
    for (const name of ["state", "changed"]) edits.addEventListener(name, fill);
    const select = app.select.bind(app);
    app.select = (...args) => {
      select(...args);
      fill();
    };
    app.timeline.addEventListener("edge", ({ detail }) => this.#moveEdge(detail));
    document.addEventListener("keydown", (event) => this.#keys(event));
    fill();
  }

  commands() {
    const command = (keys, does, run) => ({ group: "Corrections", keys: keys.split("|"), does, run });
    return [
      command("e", "another label", () => this.label.focus()),
      command("1|2|3|4|5|6|7|8|9", "label of this number", () => this.relabel(this.#labels[Number(this.#pressed) - 1])),
      command("(", "the chosen action begins here", () => this.#edgeHere("start")),
      command(")", "the chosen action ends here", () => this.#edgeHere("end")),
      command("i", "mark: from here", () => this.mark(0)),
      command("y", "mark: to here", () => this.mark(1)),
      command("a", "name the player", () => this.rename()),
      command("s", "split: from here on he is somebody else", () => this.split()),
      command("w", "swap: from here on two change places", () => this.swap()),
      command("g", "merge: two are one", () => this.merge()),
      command("h", "he is a referee", () => this.drop("referee")),
      command("d", "he is no player", () => this.drop("drop")),
      command("Ctrl+Z", "undo", () => this.edits.undo()),
      command("Ctrl+Shift+Z", "do it again", () => this.edits.redo()),
    ];
  }

  /** The number of the player whose row is chosen; -1: none. */
  get player() {
    const { player } = this.app.timeline;
    return player < this.model.players.length ? player : -1; // between other data and what is chosen in them
  }

  get #id() {
    return this.model.players[this.player].id;
  }

  get #name() {
    return isolated(this.model.players[this.player].name);
  }

  relabel(label) {
    if (!label || label === "unsure") return;
    const spans = this.spans();
    if (!spans.length) return this.app.say("Choose an action first, or a player and mark a span");
    const changes = spans.map(({ id, start, end }) => ({ edit: "relabel", players: [id], time: start, end, text: label }));
    this.edits.span = null;
    this.edits.make(changes, `${spans.length > 1 ? `${spans.length} actions are` : "It is"} ${label.replaceAll("_", " ")}`);
  }

  async rename() {
    if (!this.#needPlayer()) return;
    const { name, id } = this.model.players[this.player];
    const text = await askText("Name", "His name; none: his number", name === String(id) ? "" : name, "Name him");
    if (text !== null) this.edits.make([{ edit: "rename", players: [id], text: text.trim() }], `He is called ${text || id}`);
  }

  split() {
    if (!this.#needPlayer()) return;
    this.edits.make([{ edit: "split", players: [this.#id], time: this.#here }], `${this.#name} is split at ${clock(this.#here, 2)}`);
  }

  async swap() {
    const other = await this.#other("Swap", "From here on he changes places with", "Swap");
    if (other !== null) this.edits.make([{ edit: "swap", players: [this.#id, other], time: this.#here }], "They have changed places");
  }

  async merge() {
    const other = await this.#other("Merge", "He is the same as", "Merge");
    if (other !== null) this.edits.make([{ edit: "merge", players: [this.#id, other] }], "They are one");
  }

  drop(kind) {
    if (!this.#needPlayer()) return;
    const said = kind === "referee" ? "is a referee" : "is no player";
    this.edits.make([{ edit: kind, players: [this.#id] }], `${this.#name} ${said}`);
  }

  team(letter) {
    if (!this.#needPlayer()) return;
    this.edits.make([{ edit: "team", players: [this.#id], text: letter }], `His team is changed`);
  }

  /** Mark where a span begins (0) or ends (1): the frame that is shown is in it. */
  mark(which) {
    if (!this.#needPlayer()) return;
    const { frames } = this.model;
    const { row } = this.app.stage;
    const [start, end] = this.edits.span ?? [frames.time[row], frames.endOf(row)];
    const span = which ? [start, frames.endOf(row)] : [frames.time[row], end];
    if (span[1] <= span[0]) span[1 - which] = which ? frames.time[row] : frames.endOf(row);
    this.edits.span = span;
    this.app.say(`Marked: ${clock(span[0], 2)} to ${clock(span[1], 2)}`);
    this.#fill();
  }

  /** What labels are about: the marked span of the chosen player, or the chosen actions. */
  spans() {
    if (this.edits.span && this.player >= 0) return [{ id: this.#id, start: this.edits.span[0], end: this.edits.span[1] }];
    return this.app.selection.map((index) => this.model.segment(index));
  }

  get #here() {
    return this.model.frames.time[this.app.stage.row];
  }

  #needPlayer() {
    if (this.player < 0) this.app.say("Choose a player first");
    return this.player >= 0;
  }

  async #other(title, label, does) {
    if (!this.#needPlayer()) return null;
    const chosen = new Set(this.app.selection.map((index) => this.model.player[index]));
    const others = this.model.order.filter((player) => player !== this.player);
    others.sort((a, b) => chosen.has(b) - chosen.has(a));
    const choices = others.map((player) => this.model.players[player]).map(({ id, name, team }) => ({ value: id, text: team ? `${name} (${team})` : name }));
    const answer = await askChoice(`${title} ${this.#name}`, label, choices, does);
    return answer === null ? null : Number(answer);
  }

  #edgeHere(side) {
    if (this.app.selection.length !== 1) return this.app.say("Choose one action first");
    const { row } = this.app.stage;
    const { frames } = this.model;
    this.#moveEdge({ segment: this.app.selection[0], side, time: side === "start" ? frames.time[row] : frames.endOf(row) });
  }

  /** An edge goes to another time. What grows takes from its neighbour, what shrinks gives to it. */
  #moveEdge({ segment, side, time }) {
    const { model } = this;
    const { id, player, action, start, end } = model.segment(segment);
    const to = this.#frameAt(time);
    const from = side === "start" ? start : end;
    if (Math.abs(to - from) < NEAR) return;
    const grows = side === "start" ? to < from : to > from;
    const neighbour = side === "start" ? segment - 1 : segment + 1;
    const touches = model.player[neighbour] === player && Math.abs((side === "start" ? model.end[neighbour] : model.start[neighbour]) - from) < NEAR;
    const isWithin = touches && (side === "start" ? to > model.start[neighbour] + NEAR : to < model.end[neighbour] - NEAR);
    const said = `${action.replaceAll("_", " ")} ${side === "start" ? "begins" : "ends"} at ${clock(to, 2)}`;
    if (grows && !isWithin && action !== "unsure") {
      const [low, high] = to < from ? [to, from] : [from, to];
      this.edits.make([{ edit: "relabel", players: [id], time: low, end: high, text: action }], said);
    } else if (touches) {
      this.edits.make([{ edit: "edge", players: [id], time: from, end: to }], said);
    } else {
      this.app.say("There is no action on the other side of this edge");
    }
  }

  /** The time of the frame that begins nearest to a time, or the end of the last one. */
  #frameAt(time) {
    const { frames } = this.model;
    const row = Math.min(Math.max(frames.rowAt(time), 0), frames.length - 1);
    const [before, after] = [frames.time[row], frames.endOf(row)];
    return time - before < after - time ? before : after;
  }

  #keys(event) {
    const key = event.key.toLowerCase();
    this.#pressed = event.key; // before the page's own keys are looked up
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.closest?.("input[type=text], textarea")) return;
    if (document.querySelector("dialog[open]")) return;
    if (key === "z") event.shiftKey ? this.edits.redo() : this.edits.undo();
    else if (key === "y") this.edits.redo();
    else return;
    event.preventDefault();
  }

  #build() {
    const button = (name, text, run, title = text) => {
      const made = element("button", { type: "button", id: `edit-${name}`, title }, text);
      made.addEventListener("click", run);
      return made;
    };
    this.undo = button("undo", "Undo", () => this.edits.undo(), "Undo (Ctrl+Z)");
    this.redo = button("redo", "Redo", () => this.edits.redo(), "Do it again (Ctrl+Shift+Z)");
    this.chosen = element("span", { class: "chosen", id: "edit-chosen" });
    this.label = element("select", { id: "edit-label", "aria-label": "Label of what is chosen", title: "Label (e, or 1 to 9)" });
    this.label.addEventListener("change", () => {
      this.relabel(this.label.value);
      this.label.value = "";
    });
    this.unmark = button("unmark", "×", () => {
      this.edits.span = null;
      this.#fill();
    }, "Forget the marked span");
    this.unmark.setAttribute("aria-label", "Forget the marked span");
    this.menu = element(
      "details",
      { class: "menu", id: "edit-player" },
      element("summary", {}, "Player"),
      element("div", { class: "popup", role: "group", "aria-label": "The chosen player" }),
    );
    this.marks = element("span", { class: "marks-of" }, button("from", "From here", () => this.mark(0), "Mark: from here (i)"), button("to", "To here", () => this.mark(1), "Mark: to here (y)"), this.unmark);
    this.status = element("span", { class: "saved", id: "edit-status", role: "status" });
    this.root.append(this.undo, this.redo, element("span", { class: "bar-line" }), this.chosen, this.label, this.marks, this.menu, element("span", { class: "spring" }), this.status);
    this.alert = document.getElementById("alert");
  }

  #fill() {
    const { edits } = this;
    const { undo, redo } = edits.state;
    this.undo.disabled = !undo || !edits.isWritable;
    this.redo.disabled = !redo || !edits.isWritable;
    const spans = this.spans();
    this.chosen.textContent = this.#describe(spans);
    this.label.disabled = !spans.length || !edits.isWritable;
    this.#fillLabels();
    this.marks.hidden = this.player < 0;
    this.unmark.hidden = !edits.span;
    this.menu.hidden = this.player < 0 || !edits.isWritable;
    if (!this.menu.hidden) this.#fillMenu();
    this.status.textContent = !edits.isWritable ? "Only reading" : { saving: "Saving…", saved: "Saved" }[edits.status] ?? "";
    this.status.title = edits.isWritable ? "" : edits.state.why;
    this.status.dataset.status = edits.isWritable ? edits.status : "reading";
    this.#fillAlert();
  }

  #describe(spans) {
    if (this.edits.span && this.player >= 0) return `${this.#name}: ${clock(spans[0].start, 2)} to ${clock(spans[0].end, 2)}`;
    if (spans.length > 1) return `${spans.length} actions`;
    if (spans.length) return `${isolated(spans[0].name)}: ${spans[0].action.replaceAll("_", " ")}`;
    return this.player >= 0 ? this.#name : "Nothing chosen";
  }

  /** What a person may say: all but "unsure". */
  get #labels() {
    return this.model.labels.slice(0, -1);
  }

  #fillLabels() {
    const labels = this.#labels;
    const key = labels.join("\n");
    if (this.labelsOf === key) return;
    this.labelsOf = key;
    this.label.replaceChildren(
      element("option", { value: "" }, "Label…"),
      ...labels.map((label, i) => element("option", { value: label }, i < 9 ? `${i + 1}  ${label.replaceAll("_", " ")}` : label.replaceAll("_", " "))),
    );
  }

  #fillMenu() {
    const item = (text, key, run) => {
      const made = element("button", { type: "button", class: "item" }, text, element("span", { class: "spring" }), ...(key ? [element("kbd", {}, key)] : []));
      made.addEventListener("click", () => {
        this.menu.open = false;
        run();
      });
      return made;
    };
    const teams = this.model.data.studio.teams;
    const { team } = this.model.players[this.player];
    this.menu.querySelector(".popup").replaceChildren(
      item("Name…", "a", () => this.rename()),
      item("Split here", "s", () => this.split()),
      item("Swap from here with…", "w", () => this.swap()),
      item("Merge with…", "g", () => this.merge()),
      ...teams.map((name, i) => ({ name, letter: "AB"[i] })).filter(({ name }) => name !== team).map(({ name, letter }) => item(`Team ${isolated(name)}`, "", () => this.team(letter))),
      ...(team ? [item("Of neither team", "", () => this.team(""))] : []),
      item("A referee", "h", () => this.drop("referee")),
      item("No player", "d", () => this.drop("drop")),
    );
  }

  #fillAlert() {
    const { problem } = this.edits;
    this.alert.hidden = !problem;
    if (!problem || this.alert.dataset.problem === problem) return;
    this.alert.dataset.problem = problem;
    const close = element("button", { type: "button", "aria-label": "Close" }, "×");
    close.addEventListener("click", () => {
      this.alert.dataset.problem = "";
      this.edits.clearProblem();
    });
    this.alert.replaceChildren(element("span", {}, problem), close);
  }
}
