// New videos: a file that is chosen or dropped, or an address; each becomes a job as soon as it is there.

import { element } from "/report/text.js";
import { Settings } from "/studio/setup/fields.js";

import { all, drop, keep, keyOf, placeOf } from "./coming.js";
import { Refused, refusal, TUS, Upload } from "./upload.js";

const EVERY = 2000;
const UNUSABLE = [400, 422];

export class NewVideos {
  #line = Promise.resolve(); // files go one after the other
  #entries = new Map(); // by name or address, as they are shown

  /** made(): a job was made. fields: settings that a job may choose, as GET /settings gives them. */
  constructor(made, fields) {
    this.made = made;
    this.settings = new Settings(fields);
    const choices = document.getElementById("choices");
    choices.append(this.settings.root);
    choices.hidden = !fields.length;
    this.list = document.getElementById("coming");
    const file = document.getElementById("file");
    file.addEventListener("change", () => {
      this.#take([...file.files]);
      file.value = ""; // the same one may be chosen again
    });
    this.#listenToDrops(document.getElementById("new"));
    document.getElementById("by-address").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#fetch(document.getElementById("address"));
    });
    for (const [place, about] of Object.entries(all())) this.#goOn(place, about);
  }

  #listenToDrops(area) {
    for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault()); // or it leaves the page
    addEventListener("dragover", () => area.classList.add("is-wanted"));
    addEventListener("dragleave", ({ relatedTarget }) => relatedTarget ?? area.classList.remove("is-wanted"));
    addEventListener("drop", ({ dataTransfer }) => {
      area.classList.remove("is-wanted");
      this.#take([...dataTransfer.files]);
    });
  }

  #take(files) {
    for (const file of files) {
      const entry = this.#entry(placeOf(file) || keyOf(file), file.name);
      if (entry.isBusy) continue; // it is on its way already
      entry.settings ??= this.settings.values(); // as they were when it was given: another may be given others
      entry.begin("waits for those before it");
      this.#line = this.#line.then(() => this.#upload(file, entry));
    }
  }

  async #upload(file, entry) {
    if (entry.isGone) return;
    const key = keyOf(file);
    const began = (place) => {
      if (upload.place !== entry.place) drop(entry.place);
      entry.place = place;
      keep(place, { name: file.name, file: key, settings: entry.settings });
    };
    const upload = new Upload(file, placeOf(file), began, (there, why) => entry.tell(there, file.size, why));
    entry.place = upload.place;
    entry.stop = () => upload.stop();
    try {
      if (await upload.run()) await this.#analyse(upload.place, entry);
    } catch (error) {
      const isThere = all()[upload.place]?.file === ""; // and only its job is missing
      this.#failed(entry, error, () => (isThere ? this.#goOn(upload.place, { name: file.name, file: "" }, entry) : this.#take([file])));
    }
  }

  async #fetch(field) {
    const url = field.value.trim();
    const entry = this.#entry(url, url);
    const settings = this.settings.values();
    entry.begin("is asked for");
    try {
      const answer = await post("/videos", { url });
      if (!answer.ok) throw await refusal(answer);
      const { id, name } = await answer.json();
      field.value = "";
      keep(`/videos/${id}`, { name, file: "", settings });
      this.#forget(entry);
      this.#goOn(`/videos/${id}`, { name, file: "", settings });
    } catch (error) {
      this.#failed(entry, error, () => this.#fetch(field));
    }
  }

  /** What was begun before the page was loaded. */
  async #goOn(place, { name, file, settings = null }, entry = this.#entry(place, name)) {
    entry.place = place;
    entry.settings ??= settings;
    try {
      if (!file) return await this.#follow(place, entry);
      const answer = await fetch(place, { cache: "no-store" });
      if (answer.status === 404 || answer.status === 410) return this.#forget(entry);
      const { offset, size, state, error } = await answer.json();
      if (error) throw new Refused(error);
      if (state === "ready") await this.#analyse(place, entry);
      else if (!entry.isBusy) entry.tell(offset, size, "choose the same file again to go on", true);
    } catch (error) {
      this.#failed(entry, error, () => this.#goOn(place, { name, file }, entry));
    }
    return undefined;
  }

  /** Until a video that is fetched is there. */
  async #follow(place, entry) {
    entry.begin("is being fetched");
    while (!entry.isGone) {
      const answer = await fetch(place, { cache: "no-store" }).catch(() => null);
      if (answer?.status === 404 || answer?.status === 410) return this.#forget(entry);
      if (answer?.ok) {
        const { state, offset, size, error } = await answer.json();
        if (error) throw new Refused(error);
        if (state === "ready") return this.#analyse(place, entry);
        entry.tell(offset, size, "is being fetched");
      }
      await new Promise((done) => setTimeout(done, EVERY));
    }
    return undefined;
  }

  async #analyse(place, entry) {
    if (!drop(place)) return this.#forget(entry);
    entry.settings ??= this.settings.values();
    const answer = await post("/jobs", { video: place.split("/").pop(), settings: entry.settings }).catch(() => null);
    if (!answer?.ok) {
      keep(place, { name: entry.name, file: "", settings: entry.settings }); // it is there, and only its job is missing
      if (!answer) throw new Error("the service does not answer");
      const refused = await refusal(answer);
      if (!UNUSABLE.includes(refused.status)) throw refused;
      entry.settings = null; // what was chosen cannot be: what is chosen by then is taken when it is tried again
      throw new Error(refused.message);
    }
    this.#forget(entry);
    document.getElementById("live").textContent = `${entry.name}: is there, and will be analysed`;
    return this.made();
  }

  #failed(entry, error, again) {
    if (error.status === 401) location.reload();
    const isOver = error instanceof Refused && error.status !== 429;
    if (isOver && entry.place) drop(entry.place);
    entry.fail(error.message, isOver ? null : again);
  }

  #entry(key, name) {
    const found = this.#entries.get(key) ?? new Entry(name, () => this.#remove(this.#entries.get(key)));
    found.key = key;
    this.#entries.set(key, found);
    this.list.append(found.root);
    this.list.hidden = false;
    return found;
  }

  #remove(entry) {
    entry.stop();
    if (entry.place && drop(entry.place)) takeAway(entry.place);
    this.#forget(entry);
    document.getElementById("file").focus();
  }

  #forget(entry) {
    entry.isGone = true;
    entry.root.remove();
    this.#entries.delete(entry.key);
    this.list.hidden = !this.#entries.size;
  }
}

/** One video that is coming. */
class Entry {
  constructor(name, remove) {
    this.name = name;
    this.place = "";
    this.settings = null; // of its job, once it is given; null: those that are chosen by then
    this.isBusy = this.isGone = false;
    this.stop = () => {};
    this.bar = element("progress", { max: "1", value: "0", "aria-label": `How much of ${name} is there` });
    this.about = element("span", { class: "about" });
    this.again = element("button", { type: "button", hidden: true }, "Try again");
    const gone = element("button", { type: "button", "aria-label": `Remove: ${name}` }, "Remove");
    gone.addEventListener("click", remove);
    this.root = element("li", { class: "entry" }, element("span", { class: "name-of" }, element("bdi", {}, name)), this.bar, this.about, this.again, gone);
  }

  begin(text) {
    this.isBusy = true;
    this.again.hidden = true;
    this.bar.hidden = false;
    this.bar.removeAttribute("value");
    this.about.textContent = text;
  }

  /** there: bytes; null: as before. why: it waits; empty: it goes on. */
  tell(there, size, why, waits = false) {
    this.isBusy = !waits;
    if (there !== null && size) this.bar.value = there / size;
    const share = size ? `${Math.floor(100 * this.bar.value)} % of ${megabytes(size)}` : "";
    this.about.textContent = [share, why].filter(Boolean).join(" · ");
  }

  fail(why, again) {
    this.isBusy = false;
    this.bar.hidden = true;
    this.about.textContent = why;
    this.again.hidden = !again;
    this.again.onclick = again;
    document.getElementById("live").textContent = `${this.name}: ${why}`;
  }
}

function post(address, about) {
  return fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(about) });
}

/** Of the service, too; it may still be writing the piece that was stopped. */
async function takeAway(place) {
  for (let tries = 0; tries < 5; tries++) {
    const answer = await fetch(place, { method: "DELETE", headers: TUS }).catch(() => null);
    if (answer?.status !== 423) return;
    await new Promise((done) => setTimeout(done, 1000));
  }
}

function megabytes(bytes) {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
