// How times, shares and names are written.

/** Seconds as 1:02.5 or 1:01:02.5, with so many decimals. */
export function clock(seconds, decimals = 1) {
  const scale = 10 ** decimals;
  let rest = Math.round(Math.abs(seconds) * scale);
  const fraction = decimals ? `.${String(rest % scale).padStart(decimals, "0")}` : "";
  rest = Math.floor(rest / scale);
  const [hours, minutes] = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60];
  const head = hours ? `${hours}:${String(minutes).padStart(2, "0")}` : String(minutes);
  return `${seconds < 0 ? "-" : ""}${head}:${String(rest % 60).padStart(2, "0")}${fraction}`;
}

/** Seconds of a text such as 62.5, 1:02.5 or 1:01:02.5; NaN: it is no time. */
export function secondsOf(text) {
  const parts = text.trim().split(":");
  if (parts.length > 3 || parts.some((part) => !/^\d+(\.\d*)?$/.test(part))) return NaN;
  return parts.reduce((sum, part) => 60 * sum + Number(part), 0);
}

/** A duration as people say it: 0.8 s, 12.4 s, 3:05. */
export function duration(seconds) {
  return seconds < 60 ? `${seconds.toFixed(1)} s` : clock(seconds, 0);
}

export function percent(share) {
  return `${Math.round(100 * share)} %`;
}

/** A name in the sentence of a screen, whatever its direction of writing. */
export function isolated(name) {
  return `\u2068${name}\u2069`;
}

/** An element with attributes and children, which are elements or texts; names are never read as HTML. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** An icon of the page's sprite. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/**
 * A function that fills an element: after the next picture of the screen, so that a key is seen before a long table is
 * made, and once for many calls; or as soon as the element is no longer hidden.
 */
export function whileShown(root, fill) {
  let [isStale, isAsked] = [false, false];
  const run = () => {
    isAsked = false;
    isStale = root.hidden;
    if (!isStale) fill();
  };
  new MutationObserver(() => isStale && run()).observe(root, { attributes: true, attributeFilter: ["hidden"] });
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => setTimeout(run));
  };
}
