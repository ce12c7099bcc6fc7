// What was corrected, and who was left out and can come back.

import { clock, element, isolated } from "/report/text.js";

export class Sidings {
  /** root: the panel of corrections. */
  constructor({ root, edits, app, model }) {
    Object.assign(this, { root, edits, app, model });
    edits.addEventListener("changed", () => this.#fill());
    this.#fill();
  }

  #fill() {
    const { history, out } = this.edits.state;
    const undo = element("button", { type: "button" }, "Undo the last one");
    undo.disabled = !this.edits.state.undo || !this.edits.isWritable;
    undo.addEventListener("click", () => this.edits.undo());
    const entries = [...history].reverse().map((entry) => this.#entry(entry));
    this.root.replaceChildren(
      element("h2", {}, "Corrected"),
      ...(entries.length ? [element("ol", { class: "history", reversed: true, start: String(this.edits.state.undo) }, ...entries), undo] : [element("p", { class: "empty" }, "Nothing yet.")]),
      element("h2", {}, "Left out"),
      ...(out.length ? [element("ul", { class: "out" }, ...out.map((one) => this.#out(one)))] : [element("p", { class: "empty" }, "Nobody.")]),
    );
  }

  #entry(entry) {
    const moment = entry.time ?? entry.parts[0]?.time;
    const text = element("span", {}, inWords(entry));
    if (moment === undefined || moment === null) return element("li", {}, text);
    const jump = element("button", { type: "button", class: "jump" }, clock(moment, 1));
    jump.setAttribute("aria-label", `Go to ${clock(moment, 1)}`);
    jump.addEventListener("click", () => this.app.stage.seek(moment + 1e-4));
    return element("li", {}, jump, text);
  }

  #out({ id, name, why }) {
    const back = element("button", { type: "button" }, "Bring back");
    back.setAttribute("aria-label", `Bring back ${name}`);
    back.disabled = !this.edits.isWritable;
    back.addEventListener("click", () => this.edits.make([{ edit: "restore", players: [id] }], `${name} is back`));
    return element("li", {}, element("bdi", { class: "who" }, name), element("span", { class: "why" }, why), back);
  }
}

function inWords({ edit, players, end, text, parts, count }) {
  const who = players.join(" and ");
  switch (edit) {
    case "rename":
      return text ? `${who} is called ${isolated(text)}` : `${who} goes by his number`;
    case "merge":
      return `${who} are one`;
    case "split":
      return `${who} is somebody else from here on`;
    case "swap":
      return `${who} change places from here on`;
    case "drop":
      return `${who} is no player`;
    case "referee":
      return `${who} is a referee`;
    case "restore":
      return `${who} is back`;
    case "team":
      return text ? `${who} is of team ${text}` : `${who} is of neither team`;
    case "relabel":
      return `${who}: ${text.replaceAll("_", " ")}, to ${clock(end, 1)}`;
    case "edge":
      return `${who}: an edge moves to ${clock(end, 2)}`;
    case "together":
      return `${count} at once: ${inWords(parts[0])}`;
    default:
      return edit;
  }
}
