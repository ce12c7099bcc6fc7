// One small question over the page: a name, or another player.

import { element } from "/report/text.js";

/** field: an input or a select. Resolves to its value, or null where the person has thought better of it. */
function ask(title, label, field, does) {
  const dialog = document.getElementById("ask");
  const back = document.activeElement;
  return new Promise((resolve) => {
    const done = (value) => {
      dialog.onclose = null;
      dialog.close();
      back?.focus?.();
      resolve(value);
    };
    field.id = "ask-field";
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        done(field.value);
      }
    });
    const take = element("button", { type: "button", class: "primary" }, does);
    const leave = element("button", { type: "button" }, "Cancel");
    take.addEventListener("click", () => done(field.value));
    leave.addEventListener("click", () => done(null));
    dialog.onclose = () => done(null);
    dialog.replaceChildren(
      element("div", { class: "dialog-head" }, element("h2", { id: "ask-title" }, title)),
      element("label", { for: "ask-field" }, label),
      field,
      element("div", { class: "answers" }, leave, take),
    );
    dialog.showModal();
    field.focus();
    field.select?.();
  });
}

export function askText(title, label, value, does) {
  const field = element("input", { type: "text", maxlength: "64", autocomplete: "off", spellcheck: "false", dir: "auto" });
  field.value = value;
  return ask(title, label, field, does);
}

/** choices: [{value, text}]. */
export function askChoice(title, label, choices, does) {
  const options = choices.map(({ value, text }) => element("option", { value: String(value) }, text));
  return ask(title, label, element("select", {}, ...options), does);
}
