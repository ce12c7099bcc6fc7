// The caller's jobs, as they go on, and the way to their reports.

import { element } from "/report/text.js";
import { Theme } from "/report/screen/theme.js";

import { NewVideos } from "./new.js";

const EVERY = 2000;
const mayWrite = document.body.dataset.scopes.split(" ").includes("write");

async function ask(address, method = "GET") {
  const answer = await fetch(address, { method });
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error((await answer.json()).detail);
  return answer.status === 204 ? null : answer.json();
}

async function show() {
  const jobs = await ask("/jobs");
  const list = document.getElementById("jobs");
  const held = document.activeElement?.dataset?.job;
  list.replaceChildren(...(jobs.length ? jobs.map(entry) : [element("li", { class: "entry empty" }, "There are no jobs.")]));
  if (held) list.querySelector(`[data-job="${CSS.escape(held)}"]`)?.focus();
  document.body.dataset.ready = "true";
}

function entry(job) {
  const name = element("bdi", {}, nameOf(job));
  const title = job.state === "done" ? element("a", { class: "name-of", href: `/jobs/${job.id}/report` }, name) : element("span", { class: "name-of" }, name);
  const parts = [title, element("span", { class: "about" }, `${moment(job.made)} · ${about(job)}`)];
  if (!mayWrite) return element("li", { class: "entry" }, ...parts);
  const over = ["done", "failed", "cancelled"].includes(job.state);
  const button = element("button", { type: "button", "data-job": job.id }, over ? "Delete" : "Cancel");
  button.setAttribute("aria-label", `${button.textContent}: ${nameOf(job)}`);
  button.addEventListener("click", () => remove(job, over));
  return element("li", { class: "entry" }, ...parts, button);
}

function nameOf(job) {
  return job.name || "a video without a name";
}

function moment(text) {
  return new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

function about({ state, stage, progress, seconds_left: left, reason }) {
  if (state === "running") return `${stage || "begins"}, ${Math.round(100 * progress)} %${left === null ? "" : `, ${Math.ceil(left)} s left`}`;
  return reason ? `${state}: ${reason}` : state;
}

async function remove(job, over) {
  if (over && !confirm(`Delete the results of ${nameOf(job)}?`)) return;
  try {
    say("");
    await ask(`/jobs/${job.id}`, "DELETE");
    await show();
  } catch (error) {
    say(error.message);
  }
}

function say(text) {
  const alert = document.getElementById("alert");
  alert.textContent = text;
  alert.hidden = !text;
}

let isSilent = false; // the service does not answer, which is said until it does

async function follow() {
  try {
    if (!document.hidden) await show();
    if (isSilent) say("");
    isSilent = false;
  } catch (error) {
    isSilent = true;
    say(error.message);
  }
  setTimeout(follow, EVERY);
}

document.getElementById("leave").addEventListener("click", async () => {
  await ask("/logout", "POST");
  location.reload();
});
new Theme();
document.getElementById("new").hidden = !mayWrite;
if (mayWrite) {
  ask("/settings").then((fields) => new NewVideos(show, fields)).catch((error) => say(error.message));
}
follow();
