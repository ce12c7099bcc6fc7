// Keys: one table of what each does, for the page and for its help.

import { remember, remembered } from "../screen/theme.js";
import { element } from "../text.js";

const NAMES = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };

const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];
/** Keys that elements have a use for of their own. */
const OWN = [
  ["button, summary", [" ", "Enter"]],
  ["a", ["Enter"]],
  ["input[type=checkbox]", [" "]],
  ["input[type=range]", [...ARROWS, "PageUp", "PageDown"]],
  ["[role=tab]", ARROWS],
];

export class Keys {
  /**
   * commands: [{keys: ["Shift+ArrowLeft", ...], does: text, run: () => ..., group: text}]; keys as in KeyboardEvent.key.
   * dialog: element of the help.
   */
  constructor({ commands, dialog }) {
    Object.assign(this, { commands, dialog });
    this.letters = remembered("letters") !== "off"; // keys without Ctrl or Alt may be in the way of other programs
    document.addEventListener("keydown", (event) => this.#pressed(event));
    this.#fill();
  }

  #pressed(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    const { target } = event;
    const isField = target.closest?.("input:not([type=checkbox], [type=range]), textarea, select, [contenteditable]");
    if (isField) return;
    const name = (event.shiftKey && event.key.length > 1 ? "Shift+" : "") + event.key;
    if (OWN.some(([selector, keys]) => target.matches?.(selector) && keys.includes(event.key))) return;
    if (!this.letters && event.key.length === 1 && event.key !== " ") return;
    const command = this.commands.find(({ keys }) => keys.includes(name));
    if (!command) return;
    event.preventDefault();
    command.run();
  }

  #fill() {
    const groups = new Map();
    for (const command of this.commands) groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
    const lists = [...groups].map(([group, commands]) =>
      element(
        "section",
        {},
        element("h3", {}, group),
        element("dl", {}, ...commands.flatMap((command) => [element("dt", {}, ...caps(command.keys)), element("dd", {}, command.does)])),
      ),
    );
    const box = element("input", { type: "checkbox", id: "letters" });
    box.checked = this.letters;
    box.addEventListener("change", () => {
      this.letters = box.checked;
      remember("letters", this.letters ? "on" : "off");
    });
    this.dialog
      .querySelector(".keys")
      .replaceChildren(...lists, element("p", { class: "check" }, box, element("label", { for: "letters" }, "Keys of a single letter work")));
  }
}

function caps(keys) {
  const isRun = keys.length > 2 && keys.every((key, i) => key === String(Number(keys[0]) + i));
  if (isRun) return [element("kbd", {}, keys[0]), " to ", element("kbd", {}, keys.at(-1))];
  return keys.flatMap((key, i) => [
    ...(i ? [" or "] : []),
    ...key.split(/(?<=Shift|Ctrl)\+/).flatMap((part, k) => [...(k ? [" + "] : []), element("kbd", {}, NAMES[part] ?? part)]),
  ]);
}
