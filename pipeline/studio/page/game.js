// The studio's page of a game: the report's page with corrections over it.

import { App } from "/report/app.js";
import { Model } from "/report/game/model.js";
import { element } from "/report/text.js";

import { addressOf, get, idOfPage } from "./api.js";
import { EditBar } from "./edit/bar.js";
import { Edits } from "./edit/edits.js";
import { Sidings } from "./edit/sidings.js";
import { Doubts } from "./edit/doubts.js";
import { Following } from "./following.js";
import { Teach } from "./teach/teach.js";

async function start() {
  const id = idOfPage();
  const data = await get("/api/game", { id });
  prepare();
  const model = new Model();
  await model.load(data);
  const app = new App(model, { boxes: (minute) => get("/api/game/boxes", { id, minute }), editable: true });
  const edits = new Edits({ id, model, app });
  const bar = new EditBar({ root: document.getElementById("editbar"), edits, app, model });
  new Sidings({ root: document.getElementById("panel-corrections"), edits, app, model });
  const doubts = new Doubts({ root: document.getElementById("panel-doubts"), id, app, model, edits });
  const teach = new Teach({ root: document.getElementById("panel-teach"), id, app, model, edits, bar });
  app.commands.push(...bar.commands(), ...doubts.commands(), ...teach.commands());
  offerExports(id);
  app.open();
  new Following({ id, app, model, edits });
  document.body.dataset.studio = "ready";
}

/** What the report's page does not have: a way home, the bar of corrections, panels. */
function prepare() {
  document.querySelector(".heading").prepend(element("a", { href: "/", class: "home" }, "Games"));
  const bar = element("div", { id: "editbar", class: "editbar", role: "toolbar", "aria-label": "Corrections" });
  document.querySelector(".below").prepend(bar);
  const tabs = document.querySelector(".side .tabs");
  const notes = document.getElementById("tab-notes");
  for (const [name, title] of [
    ["doubts", "Doubts"],
    ["corrections", "Corrections"],
    ["teach", "Teach"],
  ]) {
    const attributes = { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, "aria-selected": "false", tabindex: "-1" };
    tabs.insertBefore(element("button", attributes, title), notes);
    const panel = { id: `panel-${name}`, class: "panel", role: "tabpanel", "aria-labelledby": `tab-${name}`, tabindex: "0", hidden: true };
    document.querySelector(".side").append(element("div", panel));
  }
  document.body.append(element("dialog", { id: "ask", "aria-labelledby": "ask-title" }));
  document.body.append(element("div", { id: "alert", class: "alert", role: "alert", hidden: true }));
}

/** Files for analysts' programs, beside those that lie in the folder. */
function offerExports(id) {
  const kinds = { sportscode: "Sportscode (XML)", elan: "ELAN (EAF)", boris: "BORIS", srt: "Subtitles (SRT)" };
  const links = Object.entries(kinds).map(([kind, text]) =>
    element("li", {}, element("a", { class: "item", href: addressOf("/api/game/export", { id, kind }), download: true }, text)),
  );
  document.getElementById("downloads").append(...links);
}

start().catch((error) => {
  document.getElementById("title").textContent = "This game cannot be opened";
  const main = document.querySelector("main");
  main.replaceChildren(
    element("section", { class: "sorry", role: "alert" }, element("p", {}, error.message), element("p", {}, element("a", { href: "/" }, "Back to the games"))),
  );
});
