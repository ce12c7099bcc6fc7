// Settings of an analysis as fields of a form, and boxes and outline as numbers.

import { element } from "/report/text.js";

/** The fields of settings. `values()` gives what differs from the defaults. */
export class Settings {
  /** fields: what /api/settings gives. before: values of an earlier analysis, by name. */
  constructor(fields, before = {}) {
    this.fields = fields;
    this.inputs = new Map(fields.map((field) => [field.setting, input(field, before[field.setting] ?? field.default)]));
    this.root = element("div", { class: "settings" }, ...fields.map((field) => this.#row(field)));
  }

  values() {
    const chosen = {};
    for (const field of this.fields) {
      const value = valueOf(field, this.inputs.get(field.setting));
      if (value !== null && JSON.stringify(value) !== JSON.stringify(field.default)) chosen[field.setting] = value;
    }
    return chosen;
  }

  #row(field) {
    const made = this.inputs.get(field.setting);
    made.id = `setting-${field.setting.replaceAll(".", "-")}`;
    made.setAttribute("aria-describedby", `${made.id}-about`);
    return element(
      "div",
      { class: "setting" },
      element("label", { for: made.id }, field.title),
      made,
      element("span", { class: "about", id: `${made.id}-about` }, field.about),
    );
  }
}

function input({ kind, choices }, value) {
  if (choices.length) {
    const options = choices.map((choice) => element("option", { value: choice, selected: choice === value }, choice));
    return element("select", {}, ...options);
  }
  if (kind === "switch") {
    const box = element("input", { type: "checkbox" });
    box.checked = Boolean(value);
    return box;
  }
  const number = kind === "integer" || kind === "number";
  const made = element("input", number ? { type: "number", step: kind === "integer" ? "1" : "any", min: "0" } : { type: "text", spellcheck: "false", dir: "auto" });
  made.value = Array.isArray(value) ? value.join(", ") : value ?? "";
  return made;
}

function valueOf({ kind }, made) {
  if (kind === "switch") return made.checked;
  const text = made.value.trim();
  if (kind === "names") return text.split(",").map((name) => name.trim()).filter(Boolean);
  if (kind !== "integer" && kind !== "number") return text;
  return text === "" ? null : Number(text);
}

/** Boxes and outline of a board as number fields. */
export class Drawn {
  #busy = false;

  constructor(board) {
    this.board = board;
    this.root = element("div", { class: "drawn" });
    board.addEventListener("changed", () => this.#fill());
    board.addEventListener("chosen", () => this.#fill());
    this.#fill();
  }

  #fill() {
    if (this.#busy) return; // a field is being typed in: it keeps its focus
    const { board } = this;
    const parts = board.boxes.map((box, i) => this.#box(box, i));
    if (board.outline) parts.push(this.#outline());
    const hint = "Draw boxes around the players you want, and nobody else is followed; without any, everybody is.";
    this.root.replaceChildren(...(parts.length ? parts : [element("p", { class: "why" }, hint)]));
  }

  #box({ box, name, frame }, i) {
    const { board } = this;
    const fields = ["Left", "Top", "Width", "Height"].map((title, k) => {
      const field = element("input", { type: "number", step: "1", value: String(box[k]) });
      field.addEventListener("input", () => {
        const values = board.boxes[i].box.slice();
        values[k] = Number(field.value);
        if (Number.isFinite(values[k])) this.#typed(() => board.set(i, { box: values }));
      });
      return element("label", {}, title, field);
    });
    const named = element("input", { type: "text", maxlength: "64", dir: "auto" });
    named.value = name;
    named.addEventListener("input", () => this.#typed(() => board.set(i, { name: named.value })));
    const gone = element("button", { type: "button", "aria-label": `Remove box ${i + 1}` }, "Remove");
    gone.addEventListener("click", () => board.remove(i));
    const set = element("fieldset", { class: i === board.chosen ? "is-chosen" : "" }, element("legend", {}, `Box ${i + 1}, frame ${frame}`), element("label", {}, "Name", named), ...fields, gone);
    set.addEventListener("focusin", () => {
      if (board.chosen !== i) this.#typed(() => board.choose(i));
    });
    return set;
  }

  #outline() {
    const { board } = this;
    const { polygon, frame } = board.outline;
    const fields = polygon.flatMap((point, i) =>
      ["x", "y"].map((axis, k) => {
        const field = element("input", { type: "number", step: "1", value: String(Math.round(point[k])) });
        field.addEventListener("input", () => {
          const points = board.outline.polygon.map((one) => one.slice());
          points[i][k] = Number(field.value);
          if (Number.isFinite(points[i][k])) this.#typed(() => board.setOutline(points));
        });
        return element("label", {}, `Corner ${i + 1} ${axis}`, field);
      }),
    );
    const gone = element("button", { type: "button" }, "Remove the outline");
    gone.addEventListener("click", () => board.setOutline(null));
    return element("fieldset", {}, element("legend", {}, `Court's outline, frame ${frame}`), ...fields, gone);
  }

  #typed(change) {
    this.#busy = true;
    change();
    this.#busy = false;
  }
}
