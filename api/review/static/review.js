// Keyboard and selection. Everything also works without this file, by links and forms.
(() => {
  const one = (selector) => document.querySelector(selector);
  const rows = () => [...document.querySelectorAll("#rows .row")];
  const openId = () => one("#detail .item")?.dataset.id;
  const typing = (element) => element.closest("input:not([type=checkbox]), textarea, select, dialog");

  function mark() {
    const id = openId();
    for (const row of rows()) {
      const isOpen = row.dataset.id === id;
      row.classList.toggle("is-open", isOpen);
      const link = row.querySelector("a");
      if (isOpen) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  function count() {
    const chosen = document.querySelectorAll("#rows input:checked").length;
    const button = one("#approve-several");
    if (!button) return;
    one("#selected-count").textContent = chosen;
    button.disabled = chosen === 0;
  }

  function move(step) {
    const list = rows();
    if (!list.length) return;
    const at = list.findIndex((row) => row.dataset.id === openId());
    const next = list[Math.min(Math.max(at + step, 0), list.length - 1)];
    next.scrollIntoView({ block: "nearest" });
    next.querySelector("a").click();
  }

  function unfold(id) {
    const part = one(id);
    if (!part || part.hidden) return;
    for (const other of document.querySelectorAll("details.act")) other.open = other === part;
    part.querySelector("input:not([type=hidden]), select").focus();
  }

  function approve() {
    if (document.querySelector("#rows input:checked")) one("#approve-several").click();
    else one("#act-approve button:not([disabled])")?.click();
  }

  const keys = {
    j: () => move(1),
    k: () => move(-1),
    x: () => rows().find((row) => row.dataset.id === openId())?.querySelector("input:not([disabled])")?.click(),
    a: approve,
    e: () => unfold("#act-override"),
    r: () => unfold("#act-reject"),
    "?": () => one("#help")?.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && event.target.closest("details.act")) {
      const part = event.target.closest("details.act");
      part.open = false;
      part.querySelector("summary").focus();
      return;
    }
    if (typing(event.target) || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("#help-open")) one("#help").showModal();
  });

  document.addEventListener("toggle", (event) => {
    if (!event.target.matches?.("details.act") || !event.target.open) return;
    for (const other of document.querySelectorAll("details.act")) if (other !== event.target) other.open = false;
  }, true);

  document.addEventListener("change", (event) => {
    if (event.target.id === "select-all") {
      for (const box of document.querySelectorAll("#rows input:not([disabled])")) box.checked = event.target.checked;
    }
    if (event.target.matches("#select-all, #rows input")) {
      event.stopPropagation();
      count();
    }
  });

  // A form that is under way cannot be sent again.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches("form[hx-post]")) for (const b of event.target.querySelectorAll("button")) b.disabled = true;
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    mark();
    count();
    if (event.target.id === "detail") {
      one("#detail").scrollTop = 0;
      document.title = `${one("#item-title")?.textContent ?? "Review"} · Steelyard`;
    }
  });

  for (const failed of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(failed, () => {
      one("#said").textContent = "That did not reach the server. Nothing was decided; load the page again.";
    });
  }
})();
