// Which players, actions, confidences and lengths are wanted.

import { element, percent } from "../text.js";

const LONGEST = 10; // seconds, from which on the sliders say "any length"

export class Filters {
  /** root: an empty element; count: where it is said how many are left. */
  constructor({ root, count, model, theme }) {
    Object.assign(this, { root, count, model, theme });
    model.addEventListener("changed", () => this.#build());
    model.addEventListener("filtered", () => this.#show());
    this.#build();
  }

  #build() {
    const { model } = this;
    const players = model.order.map((p) => ({ value: String(model.players[p].id), text: model.players[p].name, color: this.theme.ofPlayer(model.players[p]).fill }));
    const actions = model.labels.map((label) => ({ value: label, text: label.replaceAll("_", " "), color: this.theme.ofAction(label).fill }));
    const open = new Set([...this.root.querySelectorAll("details[open]")].map(({ id }) => id));
    this.root.replaceChildren(
      this.#group("filter-players", "Players", players, (wanted) =>
        model.setFilter({ players: wanted && new Set([...wanted].map(Number)) }),
      ),
      this.#group("filter-actions", "Actions", actions, (actions) => model.setFilter({ actions })),
      this.#range("filter-confidence", "Confidence", 100, 1, (low, high) => model.setFilter({ confidence: [low / 100, high / 100] })),
      this.#range("filter-duration", "Length", LONGEST, 0.1, (low, high) =>
        model.setFilter({ duration: [low, high >= LONGEST ? Infinity : high] }),
      ),
      this.#reset(),
    );
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    this.#show();
  }

  #group(id, title, items, apply) {
    const boxes = items.map(({ value, text, color }) => {
      const box = element("input", { type: "checkbox", value });
      const chip = element("span", { class: "chip", "aria-hidden": "true" });
      chip.style.background = color;
      box.addEventListener("change", () => {
        const wanted = new Set(all().filter((one) => one.checked).map((one) => one.value));
        apply(wanted.size ? wanted : null); // none chosen: all are wanted
      });
      return element("label", { class: "check" }, box, chip, element("bdi", {}, text));
    });
    const all = () => [...details.querySelectorAll("input")];
    const only = element("button", { type: "button", class: "link" }, "All of them");
    only.addEventListener("click", () => apply(null));
    const details = element(
      "details",
      { id, class: "menu", name: "filter" },
      element("summary", {}, `${title} `, element("span", { class: "chosen" })),
      element("div", { class: "popup", role: "group", "aria-label": title }, ...boxes, only),
    );
    return details;
  }

  #range(id, title, highest, step, apply) {
    const slider = (name, value) => {
      const input = element("input", { type: "range", min: "0", max: String(highest), step: String(step), value: String(value) });
      input.setAttribute("aria-label", `${name} ${title.toLowerCase()}`);
      return input;
    };
    const [low, high] = [slider("Lowest", 0), slider("Highest", highest)];
    const changed = () => apply(Math.min(Number(low.value), Number(high.value)), Math.max(Number(low.value), Number(high.value)));
    low.addEventListener("input", changed);
    high.addEventListener("input", changed);
    return element(
      "details",
      { id, class: "menu", name: "filter" },
      element("summary", {}, `${title} `, element("span", { class: "chosen" })),
      element("div", { class: "popup", role: "group", "aria-label": title }, element("span", {}, "At least"), low, element("span", {}, "At most"), high),
    );
  }

  #reset() {
    const button = element("button", { type: "button", id: "filter-reset", class: "link" }, "Clear filters");
    button.addEventListener("click", () => this.model.resetFilter());
    return button;
  }

  #show() {
    const { model, root } = this;
    const { players, actions, confidence, duration } = model.filter;
    const say = (id, text) => {
      root.querySelector(`#${id} .chosen`).textContent = text;
      root.querySelector(`#${id}`).classList.toggle("is-set", Boolean(text));
    };
    const check = (id, wanted) => {
      for (const box of root.querySelectorAll(`#${id} input`)) box.checked = Boolean(wanted?.has(box.value));
    };
    check("filter-players", players && new Set([...players].map(String)));
    check("filter-actions", actions);
    say("filter-players", players ? String(players.size) : "");
    say("filter-actions", actions ? String(actions.size) : "");
    const [low, high] = confidence;
    say("filter-confidence", low > 0 || high < 1 ? `${Math.round(100 * low)} to ${percent(high)}` : "");
    const [short, long] = duration;
    say("filter-duration", short > 0 || long < Infinity ? (long < Infinity ? `${short} to ${long} s` : `from ${short} s`) : "");
    const values = { "filter-confidence": [100 * low, 100 * high], "filter-duration": [short, Math.min(long, LONGEST)] };
    for (const [id, pair] of Object.entries(values)) {
      const sliders = [...root.querySelectorAll(`#${id} input`)];
      const [a, b] = sliders.map(({ value }) => Number(value));
      if (Math.min(a, b) !== pair[0] || Math.max(a, b) !== pair[1]) sliders.forEach((slider, i) => (slider.value = String(pair[i])));
    }
    root.querySelector("#filter-reset").hidden = !model.isFiltered;
    this.count.textContent = model.isFiltered ? `${model.numMatches} of ${model.length} actions` : `${model.length} actions`;
  }
}
