// Corrections: what is asked of the studio, and what the page shows when it is saved.

import { post, StudioError } from "../api.js";

/**
 * Events: "state" (saving, saved, or refused: `status`, `problem`), "changed" (other data are shown).
 * Nothing is shown as done before the studio has said that it is on disk.
 */
export class Edits extends EventTarget {
  #queue = Promise.resolve();

  constructor({ id, model, app }) {
    super();
    Object.assign(this, { id, model, app });
    this.state = model.data.studio;
    this.status = ""; // "", "saving", "saved"
    this.problem = "";
    this.span = null; // [start, end] marked by hand, seconds
  }

  get isWritable() {
    return this.state.writable;
  }

  /** Changes, [{edit, players: [ids], time, end, text}], undone at once. Resolves to whether they are saved. */
  make(changes, said) {
    if (!this.isWritable) {
      this.#refuse(`This page only reads: ${this.state.why}`);
      return Promise.resolve(false);
    }
    const made = this.#queue.then(() => this.#make(changes, said));
    this.#queue = made.catch(() => {});
    return made;
  }

  undo() {
    return this.state.undo ? this.make([{ edit: "undo" }], "Undone") : this.#nothing("There is nothing to undo");
  }

  redo() {
    return this.state.redo ? this.make([{ edit: "redo" }], "Done again") : this.#nothing("There is nothing to do again");
  }

  /** Show what the studio says now; `data` as of /api/game. */
  async show(data) {
    const { app, model } = this;
    const chosen = app.selection.map((index) => model.segment(index));
    const row = app.timeline.player >= 0 ? model.players[app.timeline.player].id : undefined;
    this.state = data.studio;
    await model.load(data);
    const found = chosen.map(({ id, start, end }) => this.#again(id, (start + end) / 2)).filter((index) => index >= 0);
    app.select([...new Set(found)], model.players.findIndex((player) => player.id === row));
    this.dispatchEvent(new Event("changed"));
  }

  clearProblem() {
    this.problem = "";
    this.dispatchEvent(new Event("state"));
  }

  #again(id, time) {
    const player = this.model.players.findIndex((one) => one.id === id);
    return player < 0 ? -1 : this.model.segmentAt(player, time);
  }

  async #make(changes, said) {
    this.#say("saving");
    try {
      const data = await post("/api/game/edit", { id: this.id, changes });
      await this.show(data);
      this.problem = "";
      this.#say("saved");
      this.app.say(`${said}. Saved.`);
      return true;
    } catch (error) {
      if (!(error instanceof StudioError)) throw error;
      this.#refuse(error.isGone ? error.message : `Not saved: ${error.message}`);
      return false;
    }
  }

  #refuse(text) {
    this.problem = text;
    this.#say("");
  }

  #nothing(text) {
    this.app.say(text);
    return Promise.resolve(false);
  }

  #say(status) {
    this.status = status;
    this.dispatchEvent(new Event("state"));
  }
}
