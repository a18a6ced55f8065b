/* The console: presets for faults, the verdict on an address, the clock, and each act as a command. */
"use strict";
document.addEventListener("acted", event => {
  const {method, path, body, ok} = event.detail, bar = live.querySelector(".script");
  if (!bar || !path.startsWith("/sandbox")) return;
  const data = body === undefined ? "" : ` -H 'Content-Type: application/json' -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
  const command = `curl -s -X ${method} ${location.origin}${path}${data}`;
  bar.hidden = false;
  bar.querySelector("span").textContent = ok ? "✓" : "✗";
  bar.querySelector("code").textContent = command;
  bar.querySelector("button").dataset.copy = command;
});
live.addEventListener("acted-well", event => {
  if (!event.target.matches(".verify")) return;
  const {ok, why, error} = event.detail, verdict = event.target.parentElement.querySelector(".verdict");
  verdict.classList.toggle("bad", !ok);
  verdict.replaceChildren(ok ? "✓ " + (verdict.dataset.good || "200") : why);
  if (!ok) { const code = document.createElement("code"); code.textContent = error; verdict.append(code); }
});
live.addEventListener("click", event => {
  const preset = event.target.closest("[data-preset]");
  if (!preset) return;
  const form = document.getElementById("fault"), values = JSON.parse(preset.dataset.preset);
  const {endpoint, times} = form.elements;
  const keep = [endpoint.value, times.value];
  form.reset(); [endpoint.value, times.value] = keep;
  for (const [name, value] of Object.entries(values)) {
    const field = form.elements[name];
    if (field.type === "checkbox") field.checked = value; else field.value = typeof value === "object" ? JSON.stringify(value) : value;
  }
});
function tick() {
  const now = new Date((Date.now() / 1000 + Number(document.documentElement.dataset.offset) + 8 * 3600) * 1000);
  for (const shown of live.querySelectorAll("[data-clock-long]")) shown.textContent = now.toISOString().slice(0, 19).replace("T", " ");
}
document.addEventListener("drawn", tick);
tick(); setInterval(tick, 1000);
live.querySelector(".sections [aria-current]")?.scrollIntoView({block: "nearest", inline: "center"});
