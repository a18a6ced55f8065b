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

// Beside a page on a screen that is not high, the navigation scrolls up and down.
for (const here of document.querySelectorAll(".bar [aria-current]")) {
  const bar = here.closest(".bar");
  const below = here.getBoundingClientRect().bottom - bar.getBoundingClientRect().bottom;
  if (bar.scrollHeight > bar.clientHeight && below > 0) bar.scrollTop += below + 48;
}

// Paper cannot be unfolded: what is folded is printed open, and folded again afterwards.
const unfold = () => {
  for (const folded of document.querySelectorAll("details:not([open])")) {
    folded.dataset.unfolded = "yes";
    folded.open = true;
  }
};
const fold = () => {
  for (const unfolded of document.querySelectorAll("details[data-unfolded]")) {
    delete unfolded.dataset.unfolded;
    unfolded.open = false;
  }
};
window.addEventListener("beforeprint", unfold);
window.addEventListener("afterprint", fold);
window.matchMedia("print").addEventListener("change", (print) => (print.matches ? unfold() : fold()));
