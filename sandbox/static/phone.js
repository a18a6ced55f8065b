/* What fingers do on a phone. Every act goes over the scripting interface. */
"use strict";
const device = () => live.querySelector(".phone");
const me = () => encodeURIComponent(device().dataset.me);
const BEIJING = 8 * 3600;

function tick() {
  const now = new Date((Date.now() / 1000 + Number(document.documentElement.dataset.offset) + BEIJING) * 1000);
  for (const shown of live.querySelectorAll("[data-clock]")) shown.textContent = now.toISOString().slice(11, 16);
}

function selections(card) {
  const chosen = {};
  for (const ask of card.querySelectorAll("[data-question]")) {
    const select = ask.querySelector("select");
    chosen[ask.dataset.question] = select ? [select.value] : [...ask.querySelectorAll("input:checked")].map(i => i.value);
  }
  return chosen;
}

live.addEventListener("click", event => {
  const key = event.target.closest("[data-key]"), menu = event.target.closest("[data-menu]");
  if (key && !key.disabled) {
    const card = key.closest("[data-task]");
    key.closest("details")?.removeAttribute("open");
    act("POST", `/sandbox/people/${me()}/click`, {task_id: card.dataset.task, key: key.dataset.key, selections: key.dataset.menukey ? null : selections(card)});
  } else if (menu) {
    menu.closest("details")?.removeAttribute("open");
    act("POST", `/sandbox/people/${me()}/menu-click`, {key: menu.dataset.menu});
    if (menu.dataset.url) window.open(menu.dataset.url, "_blank", "noopener");
  } else if (event.target.closest("[data-speak]")) {
    act("POST", `/sandbox/people/${me()}/speak`);
  } else if (event.target.closest("[data-back]") && history.length < 2) {
    event.preventDefault(); go(`/phones/${me()}`);
  }
  for (const open of live.querySelectorAll(".pop[open], .more-menu[open]")) if (!open.contains(event.target)) open.open = false;
});

/* Candidates for an invitation: whoever the typed letters fit. */
let asking;
live.addEventListener("input", event => {
  if (!event.target.matches("[data-candidates]")) return;
  clearTimeout(asking);
  const typed = event.target.value.trim();
  asking = setTimeout(async () => {
    const found = typed ? await (await fetch(`/sandbox/people?limit=12&query=${encodeURIComponent(typed)}`)).json() : [];
    const list = document.getElementById("candidates");
    list.replaceChildren(...found.map(p => { const o = document.createElement("option"); o.value = p.userid; o.label = o.textContent = `${p.name} · ${p.position}`; return o; }));
  }, 200);
});

/* A new group: who is ticked stays chosen while one looks through departments. */
const chosen = new Map();
live.addEventListener("change", event => {
  const box = event.target.closest("[data-choose]");
  if (!box) return;
  if (box.checked) chosen.set(box.value, box.dataset.choose); else chosen.delete(box.value);
  showChosen();
});
function showChosen() {
  const form = document.getElementById("new-group");
  if (!form) { chosen.clear(); return; }
  form.querySelector("[data-chosen]").value = [...chosen.keys()].join(",");
  form.querySelector(".chosen").replaceChildren(...[...chosen.values()].map(name => { const i = document.createElement("i"); i.className = "chip"; i.textContent = name; return i; }));
  for (const box of form.querySelectorAll("[data-choose]")) box.checked = chosen.has(box.value);
}

/* Opening the app tells the service (enter_agent), once per opening. */
let entered = "";
function enter() {
  const open = device()?.dataset.open || "";
  if (open !== entered && open === device()?.dataset.mainApp) act("POST", `/sandbox/people/${me()}/open-app`);
  entered = open;
}
document.addEventListener("drawn", () => { tick(); showChosen(); enter(); });
tick(); enter(); setInterval(tick, 1000);
