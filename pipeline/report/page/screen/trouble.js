// Which video is shown; and what to do where it cannot be: choose it, or take the annotated one.

import { element } from "../text.js";

const COMMON = ["h264", "vp8", "vp9", "av1"]; // what every browser plays
const MEGABYTE = 1 << 20;

export class Trouble {
  #failed = new Set(); // kinds that could not be played
  #chosen = "";

  /** root: where it is said, over the video. */
  constructor({ root, stage, model }) {
    Object.assign(this, { root, stage, model });
    stage.addEventListener("trouble", ({ detail }) => this.#failedAt(detail));
    stage.addEventListener("state", () => {
      if (stage.isThere && stage.source.kind === "source") root.hidden = true;
    });
    this.input = element("input", { type: "file", accept: "video/*,.mkv,.mov,.avi,.ts", class: "visually-hidden", id: "choose-video" });
    this.input.addEventListener("change", () => this.#take(this.input.files[0]));
  }

  /** Whether there are two videos to change between. */
  get canSwap() {
    const { video, annotated } = this.model.data;
    return Boolean(annotated.url && (video.url || this.#chosen) && !this.#failed.has("annotated") && !this.#failed.has("source"));
  }

  open() {
    const { video, annotated } = this.model.data;
    if (video.url) this.#show("source");
    else if (annotated.url) this.#show("annotated");
    else this.#ask("There is no file of the video that a browser can open.", true);
  }

  /** The annotated video instead of the source, or back. */
  swap() {
    if (this.canSwap) this.#show(this.stage.source.kind === "annotated" ? "source" : "annotated");
  }

  #show(kind) {
    const { video, annotated } = this.model.data;
    if (kind === "annotated") this.stage.open({ kind, url: annotated.url, offset: annotated.start });
    else this.stage.open({ kind, url: this.#chosen || video.url, offset: 0 });
  }

  #failedAt({ kind }) {
    this.#failed.add(kind);
    const { video, annotated, name } = this.model.data;
    const isKnown = COMMON.includes(video.codec);
    const what =
      isKnown && !this.#chosen
        ? `${name} is not where it was, or this browser cannot play it.`
        : `This browser cannot play ${name} (${video.codec}).`;
    if (kind === "source" && annotated.url && !this.#failed.has("annotated")) {
      this.#show("annotated");
      this.#remark(`${what} This is the annotated video.`);
    } else this.#ask(what, isKnown);
  }

  /** A line over the video that is shown in the place of another. */
  #remark(text) {
    const close = element("button", { type: "button", "aria-label": "Close" }, "×");
    close.addEventListener("click", () => (this.root.hidden = true));
    this.root.classList.add("is-line");
    this.root.replaceChildren(element("bdi", {}, text), this.#chooser("link"), close, this.input);
    this.root.hidden = false;
  }

  /** In the place of the video. */
  #ask(text, isLost) {
    const { source } = this.model.data.video;
    const command = `courtscribe render ${quoted(source)} ANALYSIS -o annotated.mp4`;
    this.root.classList.remove("is-line");
    this.root.replaceChildren(
      element("p", { class: "what" }, element("bdi", {}, text)),
      element("p", {}, isLost ? "Where is it now? It stays on this computer." : "Choose a copy that it can play, or make one:"),
      ...(isLost ? [] : [element("code", {}, command)]),
      this.#chooser("primary"),
      this.input,
    );
    this.root.hidden = false;
  }

  #chooser(kind) {
    const button = element("button", { type: "button", class: kind }, "Choose the video");
    button.addEventListener("click", () => this.input.click());
    return button;
  }

  async #take(file) {
    if (!file) return;
    const wanted = this.model.data.video.fingerprint;
    const found = wanted ? await fingerprint(file) : "";
    if (found && found !== wanted) {
      this.#ask(`${file.name} is another video than the one that was analysed.`, true);
      return;
    }
    if (this.#chosen) URL.revokeObjectURL(this.#chosen);
    this.#chosen = URL.createObjectURL(file);
    this.#failed.delete("source");
    this.#show("source");
  }
}

/** As ground/video/fingerprint.py tells whether a file is the one that was analysed; "" where a browser cannot. */
async function fingerprint(file) {
  if (!crypto.subtle) return "";
  const size = new TextEncoder().encode(`${file.size}\0`);
  const head = await file.slice(0, MEGABYTE).arrayBuffer();
  const tail = await file.slice(Math.max(head.byteLength, file.size - MEGABYTE)).arrayBuffer();
  const whole = await new Blob([size, head, tail]).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function quoted(path) {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
