// Where the studio begins: what lies in its folder.

import { element } from "/report/text.js";
import { Theme } from "/report/screen/theme.js";

import { addressOf, get, post } from "./api.js";

const query = new URLSearchParams(location.search);
const wanted = query.get("for"); // an analysis whose video is looked for

async function start() {
  new Theme();
  if (wanted !== null) {
    const asks = document.getElementById("asks");
    asks.textContent = "Where is the video now?";
    asks.hidden = false;
  }
  addEventListener("hashchange", () => show(folderOfAddress()));
  await show(folderOfAddress());
  document.body.dataset.ready = "true";
}

function folderOfAddress() {
  return new URLSearchParams(location.hash.slice(1)).get("at") ?? "";
}

async function show(at) {
  let found;
  try {
    found = await get("/api/folder", { at });
  } catch (error) {
    say(error.message);
    return;
  }
  const { path, folders, videos, analyses, more } = found;
  const steps = path.map(({ id, name }, i) =>
    i + 1 < path.length ? element("a", { href: placeOf(id) }, element("bdi", {}, name)) : element("bdi", { "aria-current": "page" }, name),
  );
  document.getElementById("path").replaceChildren(...steps.flatMap((step, i) => (i ? [" / ", step] : [step])));
  const groups = [
    wanted === null ? group("Analyses", analyses.map(analysisEntry)) : null,
    group("Videos", videos.map(wanted === null ? videoEntry : chooseEntry)),
    group("Folders", folders.map(({ id, name }) => entry(placeOf(id), name))),
  ].filter(Boolean);
  const nothing = element("p", { class: "empty" }, "There are no videos here.");
  document.getElementById("found").replaceChildren(...(groups.length ? groups : [nothing]), ...(more ? [element("p", {}, "There is more than can be shown.")] : []));
  for (const { id } of analyses) watch(id);
}

function placeOf(id) {
  return `#${new URLSearchParams({ at: id })}`;
}

function group(title, entries) {
  if (!entries.length) return null;
  return element("section", {}, element("h2", {}, title), element("ul", { class: "entries" }, ...entries));
}

function entry(href, name, ...about) {
  return element("li", { class: "entry" }, element("a", { class: "name-of", href }, element("bdi", {}, name)), ...about);
}

function analysisEntry({ id, name }) {
  const state = element("span", { class: "about", "data-run": id });
  return entry(addressOf("/game", { id }), name, state);
}

function videoEntry({ id, name, bytes, analysis }) {
  const size = element("span", { class: "about" }, bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`);
  const open = analysis === null ? [] : [element("a", { href: addressOf("/game", { id: analysis }) }, "Open its analysis")];
  return entry(addressOf("/new", { id }), name, ...open, size);
}

function chooseEntry({ id, name }) {
  const choose = element("button", { type: "button", class: "primary" }, "This one");
  choose.setAttribute("aria-label", `This one: ${name}`);
  choose.addEventListener("click", async () => {
    try {
      await post("/api/game/moved", { id: wanted, video: id });
      location.assign(addressOf("/game", { id: wanted }));
    } catch (error) {
      say(error.message);
    }
  });
  return element("li", { class: "entry" }, element("span", { class: "name-of" }, element("bdi", {}, name)), choose);
}

/** How far an analysis is that is being made. */
async function watch(id) {
  const state = await get("/api/run", { id });
  const place = document.querySelector(`[data-run="${CSS.escape(id)}"]`);
  if (!place || state.state === "done") {
    place?.replaceChildren();
    return;
  }
  const words = { running: "being made", stopped: "stopped", failed: "failed", none: "" }[state.state];
  const { progress } = state;
  const share = state.state === "running" && progress?.total ? `, ${progress.stage} ${Math.round((100 * progress.done) / progress.total)} %` : "";
  const link = state.video === undefined ? [] : [element("a", { href: addressOf("/new", { id: state.video }) }, `${words}${share}`)];
  place.replaceChildren(...link);
  if (state.state === "running") setTimeout(() => watch(id), 1500);
}

function say(text) {
  const alert = document.getElementById("alert");
  alert.textContent = text;
  alert.hidden = false;
}

start().catch((error) => say(error.message));
