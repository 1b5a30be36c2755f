// The live count below a message's text. Without script the server counts when the page is saved.
import { count } from "./gsm";

function show(area: HTMLTextAreaElement, output: HTMLElement): void {
  const sample = output.dataset.link;
  // A short link is as long as any other, whatever it leads to.
  const text = sample ? area.value.replace(/\{short:(?:[^{}]|\{[^{}]*\})*\}/g, sample) : area.value;
  const { alphabet, units, segments, odd } = count(text);
  const fields = /\{[a-z0-9_]+(\|[^}]*)?\}/i.test(text);
  const told = [`${units} characters, ${segments} ${segments === 1 ? "segment" : "segments"}, ${alphabet}`];
  if (odd.length > 0) told.push(`${odd.slice(0, 5).join(" ")} ${odd.length === 1 ? "needs" : "need"} Unicode, which halves what a segment holds`);
  if (fields) told.push("fields count as written; the preview counts real rows");
  output.textContent = told.join(" · ");
}

for (const area of document.querySelectorAll<HTMLTextAreaElement>("textarea[data-segments]")) {
  const output = document.getElementById(area.dataset.segments ?? "");
  if (!output) continue;
  area.addEventListener("input", () => show(area, output));
  show(area, output);
}
