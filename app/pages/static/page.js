// WeCom's webview keeps pages alive and brings them back as they were: what comes back is read again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});

// A form that is on its way is not sent a second time. The server refuses it in any case.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.method === "post") form.dataset.sent = "yes";
});
window.addEventListener("pagehide", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// A page that nobody looks at asks for nothing.
document.addEventListener("htmx:beforeRequest", (event) => {
  const trigger = event.detail.elt.getAttribute("hx-trigger") || "";
  if (document.hidden && trigger.startsWith("every")) event.preventDefault();
});

// Where one is stands in a strip that may be wider than a phone: it is brought into sight.
for (const here of document.querySelectorAll(".bar [aria-current], .tabs [aria-current]")) {
  const strip = here.closest("ul, .tabs");
  if (strip.scrollWidth > strip.clientWidth) {
    strip.scrollLeft += here.getBoundingClientRect().right - strip.getBoundingClientRect().right + 48;
  }
}
