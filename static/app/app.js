// One delegated script for all pages. Everything it does is a convenience: pages work without it.
(() => {
  const root = document.documentElement;

  function announce(text) {
    const status = document.getElementById("sr-status");
    if (!status) return;
    status.textContent = "";
    // a change in a later frame is read out even when the words are the same
    requestAnimationFrame(() => { status.textContent = text; });
  }

  // copy: the whole value, or at least a selection of it
  function select(source) {
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }

  async function copy(button) {
    const source = document.getElementById(button.dataset.copy);
    if (!source) return;
    const label = button.dataset.label || "Value";
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
    } catch {
      select(source);
      announce(`${label} is selected. Copy it with your keyboard.`);
      return;
    }
    button.dataset.state = "copied";
    announce(`${label} copied`);
    setTimeout(() => delete button.dataset.state, 2000);
  }

  // theme
  function toggleTheme() {
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const next = (root.dataset.theme || system) === "dark" ? "light" : "dark";
    root.dataset.theme = next;
    try {
      localStorage.setItem("theme", next);
    } catch {
      // it then holds for this page only
    }
    announce(next === "dark" ? "Dark theme" : "Light theme");
  }

  // dialogs: the browser traps focus, closes on Escape and gives focus back to the opener
  function openDialog(id) {
    const dialog = document.getElementById(id);
    if (!(dialog instanceof HTMLDialogElement)) return false;
    dialog.showModal();
    const first = dialog.querySelector("[data-first-focus]");
    if (first) first.focus();
    return true;
  }

  // menus made of <details>
  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details.menu-pop[open]")) {
      if (!except || !menu.contains(except)) menu.open = false;
    }
  }

  // the side-bar on a narrow screen
  const opener = () => document.querySelector("[data-nav-toggle]");

  function setNav(open) {
    if (open === document.body.hasAttribute("data-nav-open")) return;
    document.body.toggleAttribute("data-nav-open", open);
    opener()?.setAttribute("aria-expanded", String(open));
    if (open) document.querySelector("#side a, #side summary")?.focus();
    else opener()?.focus();
  }

  function prepareNav() {
    const link = opener();
    if (!link) return;
    link.setAttribute("role", "button");
    link.setAttribute("aria-expanded", "false");
    link.addEventListener("keydown", (event) => {
      if (event.key === " ") {
        event.preventDefault();
        link.click();
      }
    });
  }

  // dates in the reader's own words and zone
  function localise(scope) {
    const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
    for (const time of scope.querySelectorAll("time[data-local]")) {
      const moment = new Date(time.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      time.title = format.format(moment);
      if (time.dataset.local === "text") time.textContent = time.title;
    }
  }

  // a domain has several spellings and, beside its ASCII form, letters: what the form accepts must free the button
  function isConfirmed(input) {
    const { confirm, letters } = input.dataset;
    if (letters === undefined) return input.value.trim() === confirm;
    const typed = input.value.trim().replace(/\.+$/, "").normalize("NFKC").toLowerCase();
    return typed === confirm || typed === letters;
  }

  function matchConfirmation(input) {
    const button = document.getElementById(input.dataset.target);
    if (button) button.disabled = !isConfirmed(input);
  }

  const clicks = {
    "[data-copy]": (target) => { copy(target); },
    "[data-theme-toggle]": () => toggleTheme(),
    "[data-open]": (target, event) => { if (openDialog(target.dataset.open)) event.preventDefault(); },
    "[data-close]": (target, event) => {
      const dialog = target.closest("dialog");
      if (!dialog) return;
      event.preventDefault();
      dialog.close();
    },
    "[data-nav-toggle]": (target, event) => {
      event.preventDefault();
      setNav(!document.body.hasAttribute("data-nav-open"));
    },
    "[data-nav-close]": (target, event) => {
      event.preventDefault();
      setNav(false);
    },
  };

  document.addEventListener("click", (event) => {
    closeMenus(event.target);
    if (document.body.hasAttribute("data-nav-open") && !event.target.closest("#side, [data-nav-toggle]")) setNav(false);
    for (const [selector, act] of Object.entries(clicks)) {
      const target = event.target.closest(selector);
      if (target) act(target, event);
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest?.("details.menu-pop[open]");
    closeMenus();
    if (menu) menu.querySelector("summary").focus();
    else setNav(false);
  });

  // a second click on a button whose answer is on its way sends nothing again; after a while, or coming back, it may
  const isSent = new WeakSet();

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.target || form.method !== "post") return;
    if (isSent.has(form)) {
      event.preventDefault();
      return;
    }
    isSent.add(form);
    setTimeout(() => isSent.delete(form), 5000);
  });

  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.forms) isSent.delete(form);
  });

  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-confirm]")) matchConfirmation(event.target);
  });

  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const problem = document.getElementById("passkey-problem");
    if (problem) problem.hidden = false;
    announce("The passkey was not accepted.");
  });

  function prepare() {
    prepareNav();
    localise(document);
    document.querySelectorAll("input[data-confirm]").forEach(matchConfirmation);
    // on the way to another site; the button is there for whoever has no script
    document.querySelector("form[data-autosubmit]")?.submit();
    (document.querySelector("[aria-invalid=true]") || document.querySelector("[data-focus-problem]"))?.focus();
  }

  document.addEventListener("DOMContentLoaded", prepare);
  document.addEventListener("htmx:afterSwap", (event) => localise(event.target.parentElement || document));
})();
