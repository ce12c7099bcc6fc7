// What goes on behind the page: files that follow, the annotated video, another studio that has let go.

import { clock, element } from "/report/text.js";

import { get, post } from "./api.js";

const [SOON, LATER] = [700, 4000]; // milliseconds

export class Following {
  constructor({ id, app, model, edits }) {
    Object.assign(this, { id, app, model, edits });
    this.line = element("span", { class: "follow", id: "follow", role: "status" });
    document.getElementById("editbar").append(this.line);
    this.trouble = document.getElementById("trouble");
    app.stage.addEventListener("trouble", () => this.#offer());
    edits.addEventListener("changed", () => this.#again(SOON));
    this.#fill(model.data.studio);
    this.#offer();
    this.#again(SOON);
  }

  #again(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#look(), delay);
  }

  async #look() {
    let state;
    try {
      state = await get("/api/game/state", { id: this.id });
    } catch (error) {
      this.line.textContent = "The studio does not answer";
      this.line.title = error.message;
      this.#again(LATER);
      return;
    }
    const before = this.edits.state;
    const isNew = state.state !== before.state || state.writable !== before.writable || state.copy.state !== before.copy.state || (state.follow.video === "there") !== Boolean(this.model.data.annotated.url);
    if (isNew && this.edits.status !== "saving") {
      const data = await get("/api/game", { id: this.id });
      const { url } = this.model.data.video;
      await this.edits.show(data);
      if (data.video.url !== url) {
        this.trouble.hidden = true;
        this.app.trouble.open();
      }
    }
    this.#fill(state);
    const { follow, copy } = state;
    const isBusy = follow.tables === "writing" || ["waiting", "making"].includes(follow.video) || copy.state === "making";
    this.#again(isBusy ? SOON : LATER);
  }

  #fill({ follow, copy, writable }) {
    const { tables, video, error, progress } = follow;
    const words = [];
    if (error) words.push(error);
    else if (tables === "writing") words.push("writing files…");
    else if (video === "making") words.push(`video ${shareOf(progress)}`);
    else if (video === "waiting") words.push("video follows");
    if (copy.state === "making") words.push(`copy ${shareOf(copy)}`);
    this.line.replaceChildren(words.join(" · "));
    this.line.classList.toggle("is-wrong", Boolean(error));
    if (!words.length && video === "none" && writable) {
      const make = element("button", { type: "button", class: "link" }, "Make the annotated video");
      make.addEventListener("click", async () => {
        this.#fill(await post("/api/game/video", { id: this.id }));
        this.#again(SOON);
      });
      this.line.append(make);
    }
  }

  /** Where the video is not there, or cannot be played: where is it, or a copy. */
  #offer() {
    if (this.trouble.hidden) return;
    const { lost } = this.edits.state;
    const offers = lost ? [this.#place()] : [this.#copy()];
    this.trouble.append(...offers);
  }

  #copy() {
    const make = element("button", { type: "button", class: "primary", id: "make-copy" }, "Make a copy that plays here");
    make.addEventListener("click", async () => {
      make.disabled = true;
      make.textContent = "It is being made…";
      const state = await post("/api/game/copy", { id: this.id });
      this.#fill(state);
      this.#again(SOON);
    });
    return make;
  }

  #place() {
    const choose = element("a", { href: `/?for=${encodeURIComponent(this.id)}`, id: "find-video" }, "Look for it in the studio's folder");
    return element("p", {}, choose);
  }
}

function shareOf(progress) {
  if (!progress?.total) return "…";
  const share = `${Math.min(Math.round((100 * progress.done) / progress.total), 100)} %`;
  return progress.left ? `${share}, ${clock(progress.left, 0)} left` : share;
}
