// Light or dark, and the colours of players and actions on either.

const ACTIONS = {
  shoot: "#e5484d",
  pass: "#3e8ef7",
  dribble: "#f2a20c",
  "ball in hand": "#c77d0a",
  block: "#b455d6",
  pick: "#8a6cf0",
  defense: "#2aa584",
  run: "#4bb04f",
  walk: "#8aa37b",
  no_action: "#8b93a1",
  unsure: "#a7adb8",
};
const MORE = ["#d6679f", "#2f9fb5", "#7d8f1f", "#a8714a", "#5d7fd6"]; // for labels of one's own

/** Events: "changed" when light and dark change places. */
export class Theme extends EventTarget {
  #colors = new Map();

  constructor(root = document.documentElement) {
    super();
    this.root = root;
    const kept = remembered("theme");
    if (kept) root.dataset.theme = kept;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#changed());
    this.#read();
  }

  get isDark() {
    const { theme } = this.root.dataset;
    return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  toggle() {
    this.root.dataset.theme = this.isDark ? "light" : "dark";
    remember("theme", this.root.dataset.theme);
    this.#changed();
  }

  /** {fill, soft, ink, edge}: of a colour, [red, green, blue] or "#rrggbb", as strings for a canvas. */
  shades(color) {
    const key = String(color);
    if (!this.#colors.has(key)) this.#colors.set(key, this.#shadesOf(typeof color === "string" ? parts(color) : color));
    return this.#colors.get(key);
  }

  ofPlayer(player) {
    return this.shades(player.color ?? "#8b93a1");
  }

  ofAction(label) {
    return this.shades(ACTIONS[label] ?? MORE[[...label].reduce((sum, c) => sum + c.codePointAt(0), 0) % MORE.length]);
  }

  #shadesOf(color) {
    const soft = mixed(color, this.ground, this.isDark ? 0.52 : 0.45);
    const away = contrast(color, this.ground) < 1.5 ? this.ink : color;
    return {
      fill: css(color),
      soft: css(soft),
      ink: inkOn(color),
      softInk: inkOn(soft),
      edge: css(mixed(away, this.ground, 0.35)),
      rgb: color,
      softRgb: soft,
    };
  }

  #read() {
    const style = getComputedStyle(this.root);
    const value = (name) => style.getPropertyValue(name).trim();
    this.ground = parts(value("--row"));
    this.ink = parts(value("--ink"));
    this.css = Object.fromEntries(
      ["row", "row-alt", "ink", "ink-soft", "line", "accent", "surface", "select"].map((name) => [name, value(`--${name}`)]),
    );
  }

  #changed() {
    this.#colors.clear();
    this.#read();
    this.dispatchEvent(new Event("changed"));
  }
}

/** What the browser keeps for this page; "" where it keeps nothing. */
export function remembered(key) {
  try {
    return localStorage.getItem(`courtscribe-${key}`) ?? "";
  } catch {
    return "";
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(`courtscribe-${key}`, value);
  } catch {
    // a browser that keeps nothing: it is asked again next time
  }
}

function parts(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

function css([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`;
}

function mixed(one, other, share) {
  return one.map((value, i) => Math.round(share * value + (1 - share) * other[i]));
}

/** Relative luminance (WCAG 2). */
function luminance(color) {
  const [red, green, blue] = color.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function inkOn(color) {
  return contrast(color, [255, 255, 255]) > contrast(color, [14, 17, 22]) ? "#ffffff" : "#0e1116";
}
