// A new analysis of a video: draw, choose settings, start; and while it runs, how far it is and what it finds.

import { clock, element } from "/report/text.js";
import { Theme } from "/report/screen/theme.js";

import { addressOf, get, idOfPage, picture, post } from "./api.js";
import { Board } from "./setup/board.js";
import { Drawn, Settings } from "./setup/fields.js";

const LOOK = 700; // milliseconds

class NewAnalysis {
  #asked = 0;

  constructor(id, video, fields) {
    Object.assign(this, { id, video, fields });
    this.board = new Board(document.getElementById("board"));
    this.board.size = [video.width, video.height];
    document.getElementById("title").textContent = video.name;
    const length = video.duration === null ? "" : ` · ${clock(video.duration, 0)}`;
    document.getElementById("facts").textContent = `${video.width}×${video.height} · ${video.rate.toFixed(2)} fps${length}`;
    this.time = 0;
    this.#drawBar();
    this.#frameBar();
  }

  async start() {
    const { video: run } = this;
    const before = run.request;
    for (const { box, name, frame } of before?.rois ?? []) this.board.boxes.push({ box, name: name ?? "", frame: frame ?? 0 });
    if (before?.court?.length) this.board.outline = before.court[0];
    this.settings = new Settings(this.fields, flat(before?.settings ?? {}));
    this.drawn = new Drawn(this.board);
    if (run.state === "running") this.#watch(run.results);
    else this.#form(run);
    await this.#show(0);
    document.body.dataset.ready = "true";
  }

  #drawBar() {
    const button = (text, run, title) => {
      const made = element("button", { type: "button", title }, text);
      made.addEventListener("click", run);
      return made;
    };
    const tool = (name, text) => {
      const made = button(text, () => {
        this.board.tool = name;
        for (const one of tools) one.setAttribute("aria-pressed", String(one === made));
      }, "");
      made.setAttribute("aria-pressed", String(this.board.tool === name));
      return made;
    };
    const tools = [tool("box", "Players"), tool("court", "Court's outline")];
    document.getElementById("draw-bar").append(
      ...tools,
      button("New box", () => {
        tools[0].click();
        this.board.addMiddle();
        this.board.canvas.focus();
      }, "A box to be moved by the arrows (n)"),
      element("span", { class: "why" }, "Drag on the picture. Keys: n new, arrows move, Shift and arrows size, [ ] choose, Delete."),
    );
  }

  #frameBar() {
    const { duration } = this.video;
    this.slider = element("input", { type: "range", min: "0", max: String(duration ?? 600), step: "any", value: "0", "aria-label": "Time" });
    this.field = element("input", { type: "number", min: "0", step: "any", value: "0", "aria-label": "Seconds" });
    this.where = element("span", { class: "count", role: "status" });
    this.slider.addEventListener("input", () => this.#show(Number(this.slider.value)));
    this.field.addEventListener("change", () => this.#show(Number(this.field.value)));
    const step = (text, label, count) => {
      const made = element("button", { type: "button", "aria-label": label }, text);
      made.addEventListener("click", () => this.#show(this.time + (count + 0.1) / this.video.rate));
      return made;
    };
    document.getElementById("frame-bar").append(step("‹", "A frame back", -1), step("›", "A frame on", 1), this.slider, this.field, this.where);
  }

  /** Show the frame of a time; of several asked for in a hurry, the last. */
  async #show(time) {
    const asked = ++this.#asked;
    await new Promise((resolve) => setTimeout(resolve, 60));
    if (asked !== this.#asked) return;
    let found;
    try {
      found = await picture("/api/picture", { id: this.id, time: Math.max(time, 0) });
    } catch (error) {
      say(error.message);
      return;
    }
    const image = new Image();
    image.src = found.url;
    await image.decode();
    URL.revokeObjectURL(found.url);
    if (asked !== this.#asked) return;
    this.time = found.time;
    this.slider.value = String(found.time);
    this.field.value = found.time.toFixed(3);
    this.where.textContent = `frame ${found.frame}`;
    this.board.show(image, found.frame);
    document.body.dataset.frame = String(found.frame);
  }

  #form(run) {
    const go = element("button", { type: "button", class: "primary", id: "start" }, run.state === "stopped" ? "Go on" : run.ready ? "Analyse again" : "Analyse");
    go.addEventListener("click", () => this.#begin(go));
    this.everybody = element("input", { type: "checkbox", id: "everybody" });
    this.everybody.checked = Boolean(run.request?.everybody);
    const open = openLink(this.video.results);
    open.hidden = !run.ready;
    if (run.state !== "none") document.body.dataset.run = run.state;
    const said = ["failed", "stopped"].includes(run.state) ? [element("pre", { class: "why" }, run.said.join("\n"))] : [];
    const notes = this.video.notes.map((note) => element("p", { class: "why" }, note));
    document.getElementById("form").replaceChildren(
      element("h2", {}, "Players and court"),
      this.drawn.root,
      element("label", { class: "check", for: "everybody" }, this.everybody, "Look for everybody else, too"),
      element("h2", {}, "Settings"),
      this.settings.root,
      ...notes,
      ...said,
      element("div", { class: "go" }, go, open),
    );
  }

  async #begin(button) {
    button.disabled = true;
    const rois = this.board.boxes.map(({ box, name, frame }) => ({ box, ...(name.trim() ? { name: name.trim() } : {}), frame }));
    const court = this.board.outline ? [this.board.outline] : [];
    try {
      const run = await post("/api/run", { video: this.id, settings: this.settings.values(), rois, court, everybody: this.everybody.checked });
      hush();
      this.#watch(run.id);
    } catch (error) {
      say(error.message);
      button.disabled = false;
    }
  }

  #watch(id) {
    const bar = element("progress", { max: "1", "aria-label": "How far it is" });
    const what = element("p", { role: "status", id: "run-state" });
    const stop = element("button", { type: "button", id: "stop" }, "Stop");
    stop.addEventListener("click", async () => {
      stop.disabled = true;
      await post("/api/run/cancel", { id }).catch((error) => say(error.message));
    });
    const first = element("img", { class: "first", alt: "", hidden: true });
    const open = openLink(id);
    open.hidden = true;
    const said = element("pre");
    document.getElementById("form").replaceChildren(
      element("div", { class: "run" }, element("h2", {}, "Analysing"), bar, what, element("div", { class: "go" }, stop, open), first, said),
    );
    document.body.dataset.run = "running";
    this.#look(id, { bar, what, first, open, said, stop });
  }

  async #look(id, parts, shown = 0) {
    let run;
    try {
      run = await get("/api/run", { id });
    } catch (error) {
      parts.what.textContent = error.message;
      setTimeout(() => this.#look(id, parts, shown), 4 * LOOK);
      return;
    }
    const { progress } = run;
    if (progress?.total) parts.bar.value = Math.min(progress.done / progress.total, 1);
    else parts.bar.removeAttribute("value");
    const left = progress?.left ? `, ${clock(progress.left, 0)} left` : "";
    parts.what.textContent = progress ? `${progress.stage}: ${progress.done} of ${progress.total ?? "?"} ${progress.unit}s${left}` : "Starting";
    parts.said.textContent = run.said.join("\n");
    parts.open.hidden = !run.ready;
    if (run.parts > shown && !run.ready) {
      parts.first.src = addressOf("/api/run/first", { id, part: run.parts - 1 });
      parts.first.alt = `Whom the detector found in part ${run.parts}`;
      parts.first.hidden = false;
    }
    if (run.state === "running") {
      setTimeout(() => this.#look(id, parts, run.parts), LOOK);
      return;
    }
    document.body.dataset.run = run.state;
    if (run.state === "done") {
      parts.bar.value = 1;
      parts.what.textContent = "Done";
      parts.stop.hidden = true;
      document.getElementById("live").textContent = "The analysis is done";
      return;
    }
    this.#form(run);
    document.getElementById("live").textContent = run.state === "stopped" ? "Stopped" : "It has failed";
  }
}

function openLink(id) {
  return element("a", { class: "back", href: addressOf("/game", { id }), id: "open" }, "Open the analysis");
}

/** Settings nested by group as values by name. */
function flat(settings, before = "") {
  return Object.assign(
    {},
    ...Object.entries(settings).map(([name, value]) =>
      value && typeof value === "object" && !Array.isArray(value) ? flat(value, `${before}${name}.`) : { [before + name]: value },
    ),
  );
}

function say(text) {
  const alert = document.getElementById("alert");
  alert.textContent = text;
  alert.hidden = false;
}

function hush() {
  document.getElementById("alert").hidden = true;
}

async function start() {
  new Theme();
  const id = idOfPage();
  const [video, fields] = await Promise.all([get("/api/video", { id }), get("/api/settings")]);
  await new NewAnalysis(id, video, fields).start();
}

start().catch((error) => say(error.message));
