// A file on its way to the service: tus 1.0, piece by piece, gone on with after any break.

const PIECE = 8 << 20; // bytes
const PAUSES = [1, 2, 4, 8, 15]; // seconds before another try, the last one again and again
const SILENT = 60; // seconds without a byte after which a connection is taken to be lost
const LOOKED_AT = 300; // seconds that the service may take over the last piece: it looks at the video
export const TUS = { "Tus-Resumable": "1.0.0" };

/** What the service says no to, in its words: trying again is of no use. */
export class Refused extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

/** Refused for what an answer says. */
export async function refusal(answer) {
  let text = `${answer.status} ${answer.statusText}`;
  try {
    const told = await answer.json();
    text = told.detail ?? told.error ?? text;
  } catch {
    // it is no answer of the service's: the status has to do
  }
  return new Refused(text, answer.status);
}

export class Upload {
  #stopped = false;
  #request = null;

  /** place: where an earlier part of it is; empty: nowhere. began(place). told(bytes that are there, why it waits). */
  constructor(file, place, began, told) {
    this.file = file;
    this.place = place;
    this.began = began;
    this.told = told;
  }

  /** Until it is all there and was looked at; false: it was stopped. Throws Refused. */
  async run() {
    let at = null; // where it ends, as far as we know
    let failed = 0;
    while (!this.#stopped) {
      try {
        at ??= this.place ? await this.#ask() : await this.#create();
        if (at === this.file.size) return true;
        this.told(at, "");
        at = await this.#send(at);
        failed = 0;
      } catch (error) {
        if (this.#stopped) return false;
        if (error instanceof Refused) throw error;
        await this.#requireReadable();
        at = null;
        const pause = PAUSES[Math.min(failed++, PAUSES.length - 1)];
        this.told(null, "the connection is lost, and tried again");
        await soon(pause);
      }
    }
    return false;
  }

  stop() {
    this.#stopped = true;
    this.#request?.abort();
  }

  async #create() {
    const name = btoa(String.fromCharCode(...new TextEncoder().encode(this.file.name.slice(-200))));
    const headers = { ...TUS, "Upload-Length": String(this.file.size), "Upload-Metadata": `filename ${name}` };
    const answer = await fetch("/videos", { method: "POST", headers });
    if (answer.status !== 201) await fail(answer);
    this.place = answer.headers.get("Location");
    this.began(this.place);
    return 0;
  }

  /** Where it ends; what is not there any more is begun anew. */
  async #ask() {
    const answer = await fetch(this.place, { method: "HEAD", headers: TUS, cache: "no-store" });
    if (answer.ok) return Number(answer.headers.get("Upload-Offset"));
    const about = await fetch(this.place, { cache: "no-store" }); // HEAD has no words
    if (about.ok) {
      const { error } = await about.json();
      if (error) throw new Refused(error, 422);
      throw new Error("it is being looked at");
    }
    if (about.status !== 404 && about.status !== 410) await fail(about);
    return this.#create();
  }

  /** One piece from `at` on -> where it ends now. */
  #send(at) {
    return new Promise((done, broken) => {
      const request = (this.#request = new XMLHttpRequest()); // fetch does not say how far it is
      let timer = 0;
      const wait = (seconds) => {
        clearTimeout(timer);
        timer = setTimeout(() => request.abort(), 1000 * seconds);
      };
      request.open("PATCH", this.place);
      for (const [name, value] of Object.entries({ ...TUS, "Upload-Offset": String(at) })) request.setRequestHeader(name, value);
      request.setRequestHeader("Content-Type", "application/offset+octet-stream");
      request.upload.addEventListener("progress", ({ loaded }) => {
        wait(SILENT);
        this.told(at + loaded, "");
      });
      request.upload.addEventListener("load", () => wait(LOOKED_AT));
      request.addEventListener("loadend", () => {
        clearTimeout(timer);
        if (request.status === 204) done(Number(request.getResponseHeader("Upload-Offset")));
        else if (request.status === 0) broken(new Error("lost"));
        else fail(new Response(request.response || null, { status: request.status })).catch(broken);
      });
      wait(SILENT);
      request.send(this.file.slice(at, at + PIECE));
    });
  }

  async #requireReadable() {
    try {
      await this.file.slice(0, 1).arrayBuffer();
    } catch {
      throw new Refused("the file cannot be read any more: it was changed or moved; choose it again");
    }
  }
}

const PASSING = [408, 409, 423, 425, 429, 460, 500, 502, 503, 504];

/** Throws Refused, or an Error for what may pass. */
async function fail(answer) {
  if (PASSING.includes(answer.status)) throw new Error(String(answer.status));
  throw await refusal(answer);
}

/** Some seconds, or until the network is there again. */
function soon(seconds) {
  return new Promise((done) => {
    const timer = setTimeout(over, 1000 * seconds);
    function over() {
      clearTimeout(timer);
      removeEventListener("online", over);
      done();
    }
    addEventListener("online", over);
  });
}
