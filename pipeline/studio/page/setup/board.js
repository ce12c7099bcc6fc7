// The picture on which boxes of players and the court's outline are drawn: by mouse, touch and keys.

const GRAB = 12; // pixels about a corner at which it is dragged
const SMALLEST = 4; // pixels of the picture
const COLORS = ["#ff9142", "#3e8ef7", "#4bb04f", "#b455d6", "#e5484d", "#2fa0b5"];

/**
 * Events: "changed" (boxes or outline), "chosen". Boxes are [{box: [left, top, width, height], name, frame}], the
 * outline is {polygon: [[x, y], ...], frame} or null; pixels of the picture.
 */
export class Board extends EventTarget {
  #image = null;
  #drag = null;

  constructor(root) {
    super();
    this.root = root;
    this.boxes = [];
    this.outline = null;
    this.chosen = -1; // a box
    this.tool = "box"; // or "court"
    this.frame = 0;
    this.size = [1, 1];
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", "Picture to draw on. N: a new box. Arrows move it, with Shift they size it. Tab goes to the fields.");
    root.append(this.canvas);
    this.canvas.addEventListener("pointerdown", (event) => this.#down(event));
    this.canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => this.#up());
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.draw()).observe(root);
  }

  /** image: drawn from now on; frame: its number. */
  show(image, frame) {
    this.#image = image;
    this.frame = frame;
    this.draw();
  }

  choose(box) {
    this.chosen = box;
    this.draw();
    this.dispatchEvent(new Event("chosen"));
  }

  add(box) {
    this.boxes.push({ box: this.#within(box), name: "", frame: this.frame });
    this.choose(this.boxes.length - 1);
    this.#changed();
  }

  /** A box in the middle of the picture, to be moved by keys. */
  addMiddle() {
    const [width, height] = this.size;
    const [w, h] = [width / 16, height / 4];
    const shift = (this.boxes.length % 5) * w * 1.2;
    this.add([width / 2 - w / 2 + shift, height / 2 - h / 2, w, h]);
  }

  set(box, values) {
    Object.assign(this.boxes[box], values);
    if (values.box) this.boxes[box].box = this.#within(values.box);
    this.#changed();
  }

  remove(box) {
    this.boxes.splice(box, 1);
    this.choose(Math.min(this.chosen, this.boxes.length - 1));
    this.#changed();
  }

  setOutline(polygon) {
    this.outline = polygon && polygon.length ? { polygon, frame: this.outline?.frame ?? this.frame } : null;
    this.#changed();
  }

  draw() {
    const { canvas, root } = this;
    const [width, height] = [root.clientWidth, root.clientHeight];
    const scale = devicePixelRatio;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext("2d");
    const [left, top, factor] = this.#placed();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    if (this.#image) context.drawImage(this.#image, left, top, this.size[0] * factor, this.size[1] * factor);
    context.translate(left, top);
    this.#drawOutline(context, factor);
    this.boxes.forEach((box, i) => this.#drawBox(context, box, i, factor));
  }

  #drawBox(context, { box, name, frame }, i, factor) {
    const [x, y, w, h] = box.map((value) => value * factor);
    const color = COLORS[i % COLORS.length];
    context.setLineDash(frame === this.frame ? [] : [6, 4]);
    context.lineWidth = i === this.chosen ? 4 : 2;
    context.strokeStyle = "rgb(0 0 0 / 0.6)";
    context.strokeRect(x - 1, y - 1, w + 2, h + 2);
    context.strokeStyle = color;
    context.strokeRect(x, y, w, h);
    context.setLineDash([]);
    const text = name || String(i + 1);
    context.font = "600 13px system-ui, sans-serif";
    context.textBaseline = "middle";
    const width = context.measureText(text).width + 10;
    context.fillStyle = color;
    context.fillRect(x, Math.max(y - 20, 0), width, 20);
    context.fillStyle = "#0e1116";
    context.fillText(text, x + 5, Math.max(y - 20, 0) + 10);
    if (i !== this.chosen) return;
    context.fillStyle = "#ffffff";
    for (const [cx, cy] of corners([x, y, w, h])) context.fillRect(cx - 4, cy - 4, 8, 8);
  }

  #drawOutline(context, factor) {
    const points = this.outline?.polygon ?? [];
    if (!points.length) return;
    context.beginPath();
    points.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](x * factor, y * factor));
    if (points.length > 2) context.closePath();
    context.fillStyle = "rgb(62 142 247 / 0.18)";
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = "#6fb1ff";
    context.stroke();
    context.fillStyle = "#ffffff";
    for (const [x, y] of points) context.fillRect(x * factor - 4, y * factor - 4, 8, 8);
  }

  /** Where the picture lies on the canvas: left, top, pixels of the screen per pixel of the picture. */
  #placed() {
    const { clientWidth, clientHeight } = this.root;
    const factor = Math.min(clientWidth / this.size[0], clientHeight / this.size[1]) || 1;
    return [(clientWidth - this.size[0] * factor) / 2, (clientHeight - this.size[1] * factor) / 2, factor];
  }

  #at(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    const [x, y, factor] = this.#placed();
    return [(event.clientX - left - x) / factor, (event.clientY - top - y) / factor];
  }

  #down(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.focus();
    const at = this.#at(event);
    const near = GRAB / this.#placed()[2];
    if (this.tool === "court") {
      const points = this.outline?.polygon ?? [];
      const corner = points.findIndex((point) => distance(point, at) < near);
      if (corner < 0) this.setOutline([...points, at]);
      this.#drag = { corner: corner < 0 ? points.length : corner };
      return;
    }
    const grabbed = this.boxes[this.chosen] ? corners(this.boxes[this.chosen].box).findIndex((point) => distance(point, at) < near) : -1;
    if (grabbed >= 0) {
      const opposite = corners(this.boxes[this.chosen].box)[3 - grabbed];
      this.#drag = { box: this.chosen, from: opposite };
      return;
    }
    const inside = this.boxes.findLastIndex(({ box: [x, y, w, h] }) => at[0] >= x && at[0] <= x + w && at[1] >= y && at[1] <= y + h);
    if (inside >= 0) {
      const [x, y] = this.boxes[inside].box;
      this.choose(inside);
      this.#drag = { box: inside, shift: [at[0] - x, at[1] - y] };
      return;
    }
    this.#drag = { from: at, fresh: true };
  }

  #move(event) {
    const drag = this.#drag;
    if (!drag) return;
    const at = this.#at(event);
    if (drag.corner !== undefined) {
      const polygon = this.outline.polygon.slice();
      polygon[drag.corner] = at;
      this.setOutline(polygon);
    } else if (drag.shift) {
      const [, , w, h] = this.boxes[drag.box].box;
      this.set(drag.box, { box: [at[0] - drag.shift[0], at[1] - drag.shift[1], w, h] });
    } else {
      const box = spanned(drag.from, at);
      if (drag.fresh && Math.max(box[2], box[3]) > SMALLEST) {
        this.add(box);
        this.#drag = { box: this.chosen, from: drag.from };
      } else if (!drag.fresh) {
        this.set(drag.box, { box });
      }
    }
  }

  #up() {
    this.#drag = null;
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "n" || event.key === "N") {
      this.tool === "court" ? this.#addCorner() : this.addMiddle();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      if (this.tool === "court") this.setOutline(this.outline?.polygon.slice(0, -1) ?? null);
      else if (this.chosen >= 0) this.remove(this.chosen);
    } else if (event.key === "]" || event.key === "[") {
      const step = event.key === "]" ? 1 : -1;
      if (this.boxes.length) this.choose((this.chosen + step + this.boxes.length) % this.boxes.length);
    } else if (move) {
      const step = Math.max(Math.round(this.size[0] / 320), 1);
      this.#nudge(move.map((value) => value * step), event.shiftKey);
    } else {
      return;
    }
    event.preventDefault();
  }

  #addCorner() {
    const points = this.outline?.polygon ?? [];
    const last = points.at(-1) ?? this.size.map((side) => side / 2);
    this.setOutline([...points, last.slice()]);
  }

  #nudge([dx, dy], sizes) {
    if (this.tool === "court") {
      const polygon = this.outline?.polygon.slice();
      if (!polygon) return;
      polygon[polygon.length - 1] = [polygon.at(-1)[0] + dx, polygon.at(-1)[1] + dy];
      this.setOutline(polygon);
      return;
    }
    if (this.chosen < 0) return;
    const [x, y, w, h] = this.boxes[this.chosen].box;
    const box = sizes ? [x, y, Math.max(w + dx, SMALLEST), Math.max(h + dy, SMALLEST)] : [x + dx, y + dy, w, h];
    this.set(this.chosen, { box });
  }

  #within([x, y, w, h]) {
    const [width, height] = this.size;
    const [left, top] = [Math.min(Math.max(x, 0), width - SMALLEST), Math.min(Math.max(y, 0), height - SMALLEST)];
    const size = [Math.min(Math.max(w, SMALLEST), width - left), Math.min(Math.max(h, SMALLEST), height - top)];
    return [left, top, ...size].map((value) => Math.round(value));
  }

  #changed() {
    this.draw();
    this.dispatchEvent(new Event("changed"));
  }
}

function corners([x, y, w, h]) {
  return [[x, y], [x + w, y], [x, y + h], [x + w, y + h]];
}

function spanned([x0, y0], [x1, y1]) {
  return [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)];
}

function distance([x0, y0], [x1, y1]) {
  return Math.hypot(x1 - x0, y1 - y0);
}
