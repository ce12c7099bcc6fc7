// What can be taken along: the wanted actions as CSV and captions, and the files beside the page.

import { element } from "../text.js";

/** timeline.csv of the wanted segments; of all of them it is the file that courtscribe writes, to the byte. */
export function csvOf(model) {
  const head = "player,action,start_s,end_s,start_frame,end_frame,confidence,team";
  const lines = inOrder(model).map((s) =>
    [s.name, s.action, s.start.toFixed(3), s.end.toFixed(3), s.startFrame, s.endFrame, s.confidence.toFixed(3), s.team]
      .map(quoted)
      .join(","),
  );
  return `${[head, ...lines].join("\r\n")}\r\n`;
}

/** captions.vtt of the wanted segments and events; times count from `offset`, seconds of the video. */
export function captionsOf(model, offset) {
  const cues = inOrder(model).map((s) => [milliseconds(s.start - offset), milliseconds(s.end - offset), `${s.name} ${s.action}`]);
  for (const { time, kind, player, to } of model.wantedEvents()) {
    const text = `${model.players[player].name} ${kind}${to >= 0 ? ` to ${model.players[to].name}` : ""}`;
    cues.push([milliseconds(time - offset), milliseconds(time - offset + 1), text]);
  }
  const blocks = cues
    .filter(([begin, end]) => end > begin)
    .map(([begin, end, text]) => [begin, end, escaped(text.split(/\s+/).filter(Boolean).join(" "))])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : a[2] > b[2] ? 1 : 0))
    .map(([begin, end, text]) => `${stamp(begin)} --> ${stamp(end)}\n${text}\n`);
  return ["WEBVTT\n", ...blocks].join("\n");
}

/** Fill the menu of downloads. */
export function fillDownloads(root, model) {
  const stem = model.data.name.replace(/\.[^.]*$/, "");
  const made = (label, name, type, text) => {
    const button = element("button", { type: "button", class: "item" }, label);
    button.addEventListener("click", () => save(name, type, text()));
    return element("li", {}, button);
  };
  root.replaceChildren(
    made("Actions, as filtered (CSV)", `${stem}-timeline.csv`, "text/csv", () => csvOf(model)),
    made("Captions, as filtered (WebVTT)", `${stem}-captions.vtt`, "text/vtt", () => captionsOf(model, model.data.annotated.start)),
    ...model.data.files.map((address) =>
      element("li", {}, element("a", { class: "item", href: address, download: true }, nameOf(address))),
    ),
  );
}

/** The name of the file at an address; one that is no text in UTF-8 stays as it is. */
function nameOf(address) {
  const name = address.split("/").at(-1);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function save(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = element("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function inOrder(model) {
  return model.wanted().map((i) => model.segment(i)).sort((a, b) => a.start - b.start || a.id - b.id);
}

function quoted(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function milliseconds(seconds) {
  return Math.max(0, Math.round(seconds * 1000));
}

function stamp(ms) {
  const part = (value, digits = 2) => String(Math.floor(value)).padStart(digits, "0");
  return `${part(ms / 3_600_000)}:${part((ms / 60_000) % 60)}:${part((ms / 1000) % 60)}.${part(ms % 1000, 3)}`;
}
