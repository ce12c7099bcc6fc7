// What everybody did in all: a plot of how long, and a table with seconds, counts, means and shares.

import { duration, element, percent, whileShown } from "../text.js";

const MEASURES = {
  seconds: ["Seconds", ({ seconds }) => seconds.toFixed(1)],
  count: ["Times", ({ count }) => String(count)],
  mean: ["Mean length, s", ({ seconds, count }) => (seconds / count).toFixed(1)],
  share: ["Share of his time in view", ({ seconds }, there) => percent(there ? seconds / there : 0)],
};

export class Totals {
  #measure = "seconds";

  /** root: an empty element. Counts what the filter lets through. */
  constructor({ root, model, theme }) {
    Object.assign(this, { root, model, theme });
    const fill = whileShown(root, () => this.fill());
    for (const name of ["changed", "filtered"]) model.addEventListener(name, fill);
    fill();
  }

  fill() {
    const { model } = this;
    const sums = this.#sums();
    const actions = model.labels.map((_, a) => a).filter((a) => sums.some(({ of }) => of[a].count));
    this.root.replaceChildren(
      this.#plot(sums, actions),
      this.#legend(actions),
      this.#choice(),
      element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Totals per player" }, this.#table(sums, actions)),
    );
  }

  #sums() {
    const { model } = this;
    const { there } = model;
    return model.shownPlayers().map((player) => {
      const of = model.labels.map(() => ({ seconds: 0, count: 0 }));
      for (let i = model.rows[player]; i < model.rows[player + 1]; i++) {
        if (!model.matches[i]) continue;
        of[model.action[i]].seconds += model.end[i] - model.start[i];
        of[model.action[i]].count += 1;
      }
      let seconds = 0;
      for (let i = there.rows[player]; i < there.rows[player + 1]; i++) seconds += there.end[i] - there.start[i];
      return { player, of, there: seconds };
    });
  }

  /** A bar per player, as long as he was in view; the table below says the same. */
  #plot(sums, actions) {
    const most = Math.max(1e-9, ...sums.map(({ there, of }) => Math.max(there, total(of))));
    const bars = sums.map(({ player, of, there }) => {
      const bar = element("div", { class: "bar" });
      const extent = element("div", { class: "extent" });
      extent.style.width = `${(100 * there) / most}%`;
      bar.append(extent);
      for (const a of actions) {
        if (!of[a].seconds) continue;
        const part = element("div", { class: "part", title: `${this.model.labels[a].replaceAll("_", " ")}: ${duration(of[a].seconds)}` });
        part.style.width = `${(100 * of[a].seconds) / most}%`;
        part.style.background = this.theme.ofAction(this.model.labels[a]).fill;
        bar.append(part);
      }
      return element(
        "div",
        { class: "plot-row" },
        element("bdi", { class: "who" }, this.model.players[player].name),
        bar,
        element("span", { class: "number" }, duration(there)),
      );
    });
    return element("div", { class: "plot", "aria-hidden": "true" }, ...bars);
  }

  #legend(actions) {
    const items = actions.map((a) => {
      const dot = element("span", { class: "dot" });
      dot.style.background = this.theme.ofAction(this.model.labels[a]).fill;
      return element("li", {}, dot, this.model.labels[a].replaceAll("_", " "));
    });
    return element("ul", { class: "legend", "aria-hidden": "true" }, ...items);
  }

  #choice() {
    const select = element("select", { id: "measure" });
    for (const [name, [label]] of Object.entries(MEASURES)) {
      select.append(element("option", { value: name, selected: name === this.#measure }, label));
    }
    select.addEventListener("change", () => {
      this.#measure = select.value;
      this.fill();
      this.root.querySelector("select").focus();
    });
    return element("p", { class: "choice" }, element("label", { for: "measure" }, "Show "), select);
  }

  #table(sums, actions) {
    const { model } = this;
    const [label, text] = MEASURES[this.#measure];
    const whole = model.frames.end - model.frames.start;
    const rows = sums.map(({ player, of, there }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, element("bdi", {}, model.players[player].name)),
        element("td", { class: "number" }, `${duration(there)} (${percent(there / whole)})`),
        ...actions.map((a) => element("td", { class: "number" }, of[a].count ? text(of[a], there) : "")),
      ),
    );
    const head = ["Player", "In view", ...actions.map((a) => model.labels[a].replaceAll("_", " "))];
    return element(
      "table",
      {},
      element("caption", {}, `${label} per player and action`),
      element("thead", {}, element("tr", {}, ...head.map((name, i) => element("th", { scope: "col", class: i ? "number" : "" }, name)))),
      element("tbody", {}, ...rows),
    );
  }
}

function total(of) {
  return of.reduce((sum, { seconds }) => sum + seconds, 0);
}
