// The timeline as tables: actions and events, for eyes, screen readers and the keyboard alike.

import { clock, duration, element, icon, percent, whileShown } from "../text.js";

const PAGE = 50; // rows at a time

/** Events: "activate" {segment} or {event} (detail): a row's button was pressed. */
export class Lists extends EventTarget {
  #page = 0;

  /** actions, events: empty elements of the two panels. */
  constructor({ actions, events, model, theme }) {
    super();
    Object.assign(this, { actions, events, model, theme });
    this.chosen = new Set();
    this.fillActions = whileShown(actions, () => this.#fill());
    this.fillEvents = whileShown(events, () => this.#fillEvents());
    for (const name of ["changed", "filtered"]) model.addEventListener(name, () => this.#again());
    for (const panel of [actions, events]) {
      panel.addEventListener("keydown", (event) => rove(panel, event));
      panel.addEventListener("focusin", ({ target }) => target.matches(".jump") && reach(panel, target));
    }
    this.#again();
  }

  /** Show that segments are chosen; the page with the last of them is turned to. */
  select(segments) {
    this.chosen = new Set(segments);
    const at = segments.length ? this.model.wanted().indexOf(segments.at(-1)) : -1;
    if (at >= 0 && Math.floor(at / PAGE) !== this.#page) this.#turn(Math.floor(at / PAGE));
    else this.#mark();
    this.#scrollTo(this.actions.querySelector("tr.is-chosen"));
  }

  /** Scroll the panel, and never the page. */
  #scrollTo(row) {
    if (!row || this.actions.hidden) return;
    const [head, foot] = [70, 44];
    const { scrollTop, clientHeight } = this.actions;
    if (row.offsetTop < scrollTop + head) this.actions.scrollTop = row.offsetTop - head;
    else if (row.offsetTop + row.offsetHeight > scrollTop + clientHeight - foot) {
      this.actions.scrollTop = row.offsetTop + row.offsetHeight - clientHeight + foot;
    }
  }

  #again() {
    this.#page = Math.min(this.#page, Math.max(Math.ceil(this.model.numMatches / PAGE) - 1, 0));
    this.fillActions();
    this.fillEvents();
  }

  #turn(page) {
    this.#page = page;
    this.#fill();
  }

  #fill() {
    const { model } = this;
    const rows = model.wanted().slice(this.#page * PAGE, (this.#page + 1) * PAGE).map((i) => this.#row(model.segment(i)));
    const head = ["Start", "Length", "Player", "Action", "Confidence"];
    const table = element(
      "table",
      { "aria-rowcount": String(this.model.numMatches + 1) },
      element("caption", {}, this.#caption()),
      element("thead", {}, element("tr", {}, ...head.map(headed))),
      element("tbody", {}, ...rows),
    );
    this.actions.replaceChildren(...(rows.length ? [table] : [element("p", { class: "empty" }, model.length ? "No action is like that." : "There are no actions.")]));
    if (this.model.numMatches > PAGE) this.actions.append(this.#pages());
    this.#mark();
  }

  #caption() {
    const [n, all] = [this.model.numMatches, this.model.length];
    return n === all ? `${n} actions` : `${n} of ${all} actions`;
  }

  #row(segment) {
    const { name, team, action, start, end, confidence, byPerson, index } = segment;
    const what = action.replaceAll("_", " ");
    const jump = element("button", { type: "button", class: "jump" }, clock(start, 1));
    jump.setAttribute("aria-label", `Play ${what} of ${name} at ${clock(start, 1)}`);
    jump.addEventListener("click", () => this.#emit({ segment: index }));
    const chip = element("span", { class: "chip", "aria-hidden": "true" });
    chip.style.background = this.theme.ofPlayer(this.model.players[segment.player]).fill;
    const dot = element("span", { class: "dot", "aria-hidden": "true" });
    dot.style.background = this.theme.ofAction(action).fill;
    const row = element(
      "tr",
      { "data-segment": String(index), class: action === "unsure" ? "is-unsure" : "" },
      element("td", {}, jump),
      element("td", { class: "number" }, duration(end - start)),
      element("th", { scope: "row", title: team }, chip, element("bdi", {}, name)),
      element("td", {}, dot, element("bdi", {}, what)),
      element("td", { class: "number" }, byPerson ? "by a person" : percent(confidence)),
    );
    wholly(row, jump);
    return row;
  }

  #pages() {
    const last = Math.ceil(this.model.numMatches / PAGE) - 1;
    const button = (name, label, page) => {
      const made = element("button", { type: "button", class: "ghost", "aria-label": label, disabled: page < 0 || page > last }, icon(name));
      made.addEventListener("click", () => this.#turn(page));
      return made;
    };
    return element(
      "nav",
      { class: "pages", "aria-label": "Pages of actions" },
      button("back", "Page before", this.#page - 1),
      element("span", {}, `${this.#page + 1} of ${last + 1}`),
      button("on", "Next page", this.#page + 1),
    );
  }

  #mark() {
    for (const row of this.actions.querySelectorAll("tr[data-segment]")) {
      const isChosen = this.chosen.has(Number(row.dataset.segment));
      row.classList.toggle("is-chosen", isChosen);
      row.querySelector(".jump").setAttribute("aria-current", String(isChosen));
    }
    reach(this.actions, this.actions.querySelector(".is-chosen .jump"));
  }

  #fillEvents() {
    const { model } = this;
    const rows = model.wantedEvents().map(({ index, time, kind, player, to, confidence }) => {
      const jump = element("button", { type: "button", class: "jump" }, clock(time, 1));
      jump.setAttribute("aria-label", `Play ${kind} of ${model.players[player].name} at ${clock(time, 1)}`);
      jump.addEventListener("click", () => this.#emit({ event: index }));
      const row = element(
        "tr",
        {},
        element("td", {}, jump),
        element("td", {}, kind),
        element("th", { scope: "row" }, element("bdi", {}, model.players[player].name)),
        element("td", {}, to >= 0 ? element("bdi", {}, model.players[to].name) : ""),
        element("td", { class: "number" }, percent(confidence)),
      );
      wholly(row, jump);
      return row;
    });
    const head = ["Time", "Event", "Player", "To", "Ball seen"];
    const table = element(
      "table",
      {},
      element("caption", {}, `${rows.length} passes, shots, rebounds and turnovers`),
      element("thead", {}, element("tr", {}, ...head.map(headed))),
      element("tbody", {}, ...rows),
    );
    this.events.replaceChildren(rows.length ? table : element("p", { class: "empty" }, "No passes or shots are known here."));
    reach(this.events, null);
  }

  #emit(detail) {
    this.dispatchEvent(new CustomEvent("activate", { detail }));
  }
}

const NUMBERS = ["Length", "Confidence", "Ball seen"];

function headed(name) {
  return element("th", { scope: "col", class: NUMBERS.includes(name) ? "number" : "" }, name);
}

/** A click anywhere on a row is one on its button, but where text is being selected. */
function wholly(row, button) {
  row.addEventListener("click", ({ target }) => {
    if (!button.contains(target) && getSelection().isCollapsed) button.click();
  });
}

/** One button of a table is reached by Tab: this one, or the first. */
function reach(panel, button) {
  const all = [...panel.querySelectorAll(".jump")];
  const chosen = button ?? all[0];
  for (const one of all) one.tabIndex = one === chosen ? 0 : -1;
}

/** Up and down go from row to row. */
function rove(panel, event) {
  if (!event.target.matches(".jump")) return;
  const all = [...panel.querySelectorAll(".jump")];
  const at = all.indexOf(event.target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined || event.shiftKey) return;
  event.preventDefault();
  all[Math.min(Math.max(to, 0), all.length - 1)].focus();
}
