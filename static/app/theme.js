// Runs before the first paint: a theme that was chosen wins over the system's, which the style sheet follows by itself.
(() => {
  const root = document.documentElement;
  root.dataset.js = "";
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch {
    // storage may be blocked: the system's theme stays
  }
})();
