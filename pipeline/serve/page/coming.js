// What was begun and is no job yet, kept by the browser: after a reload of the page it is gone on with.

const NAME = "courtscribe-coming";

/** All, by address of the video: { name, file, settings } with what its file is known by, empty where it is fetched. */
export function all() {
  try {
    return JSON.parse(localStorage.getItem(NAME)) ?? {};
  } catch {
    return {};
  }
}

export function keep(place, about) {
  write({ ...all(), [place]: about });
}

/** Whether it was still there: of two pages that see a video ready, one makes the job. */
export function drop(place) {
  const { [place]: gone, ...rest } = all();
  if (gone !== undefined) write(rest);
  return gone !== undefined;
}

/** Where a file that is chosen again was begun; empty: nowhere. */
export function placeOf(file) {
  const found = Object.entries(all()).find(([, about]) => about.file === keyOf(file));
  return found ? found[0] : "";
}

export function keyOf({ name, size, lastModified }) {
  return JSON.stringify([name, size, lastModified]);
}

function write(found) {
  try {
    localStorage.setItem(NAME, JSON.stringify(found));
  } catch {
    // a browser that keeps nothing: a reload begins anew
  }
}
