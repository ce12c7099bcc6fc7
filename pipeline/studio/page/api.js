// What the studio is asked, and how it is said when it does not answer.

export class StudioError extends Error {
  /** isGone: the studio did not answer at all. */
  constructor(message, isGone = false) {
    super(message);
    this.isGone = isGone;
  }
}

const GONE = "The studio does not answer. What was shown as saved is saved. Start it again and open the address that it prints.";

async function ask(address, options) {
  let response;
  try {
    response = await fetch(address, { credentials: "same-origin", ...options });
  } catch {
    throw new StudioError(GONE, true);
  }
  if (response.ok) return response;
  let text = `${response.status} ${response.statusText}`;
  try {
    const told = await response.json();
    text = typeof told.error === "string" ? told.error : text;
  } catch {
    // it is no answer of ours: the status has to do
  }
  throw new StudioError(text, response.status === 403);
}

/** An address with its query, whatever its values are. */
export function addressOf(path, query = {}) {
  const given = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  return given.size ? `${path}?${given}` : path;
}

export async function get(path, query) {
  return (await ask(addressOf(path, query))).json();
}

export async function post(path, body) {
  const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  return (await ask(path, options)).json();
}

/** A picture: {url, frame, time}; whoever asks revokes the url. */
export async function picture(path, query) {
  const response = await ask(addressOf(path, query));
  const url = URL.createObjectURL(await response.blob());
  return { url, frame: Number(response.headers.get("x-frame")), time: Number(response.headers.get("x-time")) };
}

/** The name by which a page was asked for. */
export function idOfPage() {
  return new URLSearchParams(location.search).get("id") ?? "";
}
