/* The page stays up to date by itself. The server draws; here the difference is put in place, so that
   scroll, focus, typed text and opened details stay as they are. Nothing is fetched while nobody looks. */
"use strict";
const live = document.getElementById("live");
const texts = JSON.parse(document.getElementById("texts").textContent);
let etag = null, lost = false, acting = 0, turn = 0;

const keyOf = node => node.nodeType === 1 ? node.dataset.k || node.id || "" : "";

function morph(old, fresh) {
  if (old.nodeType !== 1 || "frozen" in old.dataset) return; // frozen: what a script fills
  morphAttributes(old, fresh);
  const keyed = new Map();
  for (const child of old.children) if (keyOf(child)) keyed.set(keyOf(child), child);
  let next = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const key = keyOf(wanted);
    let match = key ? keyed.get(key) : next;
    while (!key && match && keyOf(match)) match = match.nextSibling;
    if (match && match.nodeName === wanted.nodeName && keyOf(match) === key && match.nodeType === wanted.nodeType) {
      if (match !== next) old.insertBefore(match, next); else next = next.nextSibling;
      if (wanted.nodeType === 1) morph(match, wanted); else if (match.data !== wanted.data) match.data = wanted.data;
      if (key) keyed.delete(key);
    } else old.insertBefore(wanted, next);
  }
  while (next) { const gone = next; next = next.nextSibling; gone.remove(); }
}

function morphAttributes(old, fresh) {
  for (const {name} of [...old.attributes]) if (!fresh.hasAttribute(name) && !(name === "open" && /^(DETAILS|DIALOG)$/.test(old.nodeName))) old.removeAttribute(name);
  for (const {name, value} of fresh.attributes) {
    if (old.getAttribute(name) === value) continue;
    old.setAttribute(name, value);
    // What the server says anew wins over what was typed or ticked; what it repeats does not.
    if (name === "value" && old.nodeName === "INPUT" && old !== document.activeElement) old.value = value;
  }
  if (old.disabled && /^(checkbox|radio)$/.test(old.type || "")) old.checked = fresh.hasAttribute("checked");
  if (old.nodeName === "SELECT" && old.disabled) old.value = fresh.querySelector("option[selected]")?.value ?? old.value;
}

function put(html) {
  const chat = live.querySelector("[data-stick]");
  const stuck = chat && chat.scrollHeight - chat.scrollTop - chat.clientHeight < 80, was = chat?.dataset.stick;
  const page = new DOMParser().parseFromString(html, "text/html");
  const fresh = page.getElementById("live");
  if (!fresh) return;
  document.title = page.title;
  document.body.className = page.body.className;
  document.documentElement.dataset.offset = page.documentElement.dataset.offset;
  morph(live, fresh);
  const now = live.querySelector("[data-stick]");
  if (now && (stuck || now.dataset.stick !== was)) now.scrollTop = now.scrollHeight;
  document.dispatchEvent(new Event("drawn"));
}

async function refresh(address = location.href) {
  const mine = ++turn;
  try {
    const answer = await fetch(address, {headers: etag ? {"if-none-match": etag} : {}, cache: "no-store"});
    if (lost) { lost = false; document.getElementById("toast").classList.remove("on"); }
    if (mine !== turn || answer.status === 304) return;
    if (answer.redirected && new URL(answer.url).pathname !== location.pathname) { location.href = answer.url; return; }
    etag = answer.headers.get("etag");
    put(await answer.text());
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    lost = true; toast(texts.lost, true, 60000);
  }
}

/* Inside one page (a phone, the console) links change the address and draw, without starting anew. */
function go(address, replace) {
  history[replace ? "replaceState" : "pushState"]({}, "", address);
  etag = null;
  return refresh();
}

function toast(text, bad = false, stays = 2600) {
  const shown = document.getElementById("toast");
  shown.textContent = text; shown.classList.toggle("bad", bad); shown.classList.add("on");
  clearTimeout(toast.timer); toast.timer = setTimeout(() => shown.classList.remove("on"), stays);
}

function sure(question) {
  const box = document.getElementById("sure");
  box.querySelector("p").textContent = question;
  box.returnValue = "no"; box.showModal();
  return new Promise(done => box.addEventListener("close", () => done(box.returnValue === "yes"), {once: true}));
}

/* One act over the scripting interface: what a script would send. Pushes get a moment to be answered. */
async function act(method, path, body) {
  acting++;
  try {
    const options = {method, headers: body === undefined ? {} : {"content-type": "application/json"}};
    if (body !== undefined) options.body = JSON.stringify(body);
    const answer = await fetch(path, options);
    const result = await answer.json().catch(() => null);
    document.dispatchEvent(new CustomEvent("acted", {detail: {method, path, body, ok: answer.ok}}));
    if (!answer.ok) { toast(explain(result), true, 5000); return undefined; }
    await Promise.race([fetch("/sandbox/wait-idle", {method: "POST"}), new Promise(done => setTimeout(done, 2500))]);
    return result ?? true;
  } catch (error) {
    toast(texts.failed, true); return undefined;
  } finally { acting--; await refresh(); }
}

function explain(result) {
  const detail = result?.detail;
  const text = Array.isArray(detail) ? detail.map(d => `${(d.loc || []).slice(1).join(".")}: ${d.msg}`).join("; ") : detail;
  return (result?.errcode ? result.errcode + " " : "") + (text || texts.failed);
}

/* <form data-act="PATCH /sandbox/people/x">: fields become the body. `data-as` says what a value is. */
const readers = {
  int: v => Number.parseInt(v, 10), float: Number, json: v => JSON.parse(v), bool: v => v === "true",
  node: v => [{type: 1, apv_rel: 1, userid: readers.list(v)}],
  list: v => v.split(/[,，\s]+/).filter(Boolean), ints: v => v.split(/[,，\s]+/).filter(Boolean).map(Number), text: v => v,
};
function bodyOf(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || (field.type === "radio" && !field.checked)) continue;
    const as = field.dataset.as || "text";
    let value = field.type === "checkbox" ? field.checked : field.multiple ? [...field.selectedOptions].map(o => o.value) : field.value;
    if (field.type !== "checkbox" && !field.multiple) {
      if (value === "" && !("keep" in field.dataset)) continue;
      value = value === "" && field.dataset.keep === "null" ? null : readers[as](value);
    }
    const path = field.name.split("."), last = path.pop();
    path.reduce((inside, name) => inside[name] ??= {}, body)[last] = value;
  }
  return body;
}
document.addEventListener("submit", async event => {
  const form = event.target.closest("[data-act]");
  if (!form) return;
  event.preventDefault();
  if (form.dataset.confirm && !await sure(form.dataset.confirm)) return;
  const [method, path] = form.dataset.act.split(" ");
  let body;
  try { body = bodyOf(form); } catch { toast("JSON ✗", true); return; }
  const target = path.replace(/\{(\w+)\}/g, (_, name) => { const v = body[name]; delete body[name]; return encodeURIComponent(v); });
  const result = await act(method, target, method === "DELETE" ? undefined : body);
  if (result === undefined) return;
  form.dispatchEvent(new CustomEvent("acted-well", {bubbles: true, detail: result}));
  if ("once" in form.dataset) form.reset();
  if (!("quiet" in form.dataset)) toast(form.dataset.done || texts.done);
  if (form.dataset.then) go(form.dataset.then.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(result[name])));
});
document.addEventListener("click", event => {
  const copy = event.target.closest("[data-copy]");
  if (copy) { navigator.clipboard?.writeText(copy.dataset.copy).then(() => toast(texts.copied)); return; }
  const language = event.target.closest(".language");
  if (language) language.search = "?back=" + encodeURIComponent(location.pathname + location.search);
  const link = event.target.closest("#live a[data-in]");
  if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0) { event.preventDefault(); go(link.href); }
});
let searching;
document.addEventListener("input", event => {
  if (!event.target.matches("[data-live-search]")) return;
  clearTimeout(searching);
  searching = setTimeout(() => {
    const address = new URL(location.href);
    address.searchParams.set(event.target.name, event.target.value); address.searchParams.delete("page");
    go(address, true);
  }, 250);
});
addEventListener("popstate", () => { etag = null; refresh(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

(function keepUp() {
  const every = Number(live.dataset.every);
  setTimeout(async () => {
    if (every && !document.hidden && !acting) await refresh();
    keepUp();
  }, every || 5000);
})();
const stick = live.querySelector("[data-stick]");
if (stick) stick.scrollTop = stick.scrollHeight;
