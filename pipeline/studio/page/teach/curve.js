// A learning curve: what was measured, and what ten examples more might bring.

import { element } from "/report/text.js";

const [WIDTH, HEIGHT, PAD] = [360, 130, 28];
const SVG = "http://www.w3.org/2000/svg";

/** curve: {points: [{size, macro_f1, low, high}], beyond}. Elements: a picture, and the same in words. */
export function curveOf({ points, beyond }) {
  if (!points.length) return [element("p", { class: "why" }, "With so few examples nobody can say what more would bring.")];
  const words = points.map(({ size, macro_f1: f1, low, high }) => element("li", {}, `${size} of each label: ${span(f1, low, high)}`));
  const parts = [element("h2", {}, "With more examples"), picture(points, beyond), element("ul", { class: "why" }, ...words)];
  if (beyond) {
    const said = `With ${beyond.size} of each label it might be ${span(beyond.macro_f1, beyond.low, beyond.high)}. That is an extrapolation: nobody has measured it.`;
    parts.push(element("p", { id: "teach-beyond" }, said));
  }
  return parts;
}

function span(f1, low, high) {
  return `macro-F1 ${f1.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

function picture(points, beyond) {
  const all = beyond ? [...points, beyond] : points;
  const most = Math.max(...all.map(({ size }) => size));
  const x = (size) => PAD + ((WIDTH - PAD - 8) * size) / most;
  const y = (value) => 8 + (HEIGHT - PAD - 8) * (1 - value);
  const at = ({ size, macro_f1: f1 }) => `${x(size).toFixed(1)},${y(f1).toFixed(1)}`;
  const root = made("svg", { class: "curve", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Learning curve; the same in words below" });
  for (const value of [0, 0.5, 1]) {
    root.append(made("line", { class: "grid", x1: PAD, x2: WIDTH - 8, y1: y(value), y2: y(value) }), text(4, y(value) + 4, value.toFixed(1)));
  }
  for (const { size } of all) root.append(text(x(size) - 6, HEIGHT - 8, String(size)));
  const band = [...points.map(({ size, low }) => `${x(size)},${y(low)}`), ...points.toReversed().map(({ size, high }) => `${x(size)},${y(high)}`)];
  root.append(made("polygon", { class: "band", points: band.join(" ") }), made("polyline", { class: "line", points: points.map(at).join(" ") }));
  if (beyond) {
    root.append(made("line", { class: "span", x1: x(beyond.size), x2: x(beyond.size), y1: y(beyond.low), y2: y(beyond.high) }));
    root.append(made("polyline", { class: "line beyond", points: [points.at(-1), beyond].map(at).join(" ") }));
  }
  for (const point of all) root.append(made("circle", { class: point === beyond ? "dot-beyond" : "dot-at", cx: x(point.size), cy: y(point.macro_f1), r: 3.5 }));
  return root;
}

function text(x, y, content) {
  const element = made("text", { x, y });
  element.textContent = content;
  return element;
}

function made(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
