
"use strict";
(() => {
  const root = document.documentElement;
  const theme = document.getElementById("theme");
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const label = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    label();
  });
  system.addEventListener("change", label);
  label();
  theme.hidden = false;

  const filters = document.getElementById("filters");
  const rows = [...document.querySelectorAll("[data-verdict]")];
  const inTable = rows.filter((row) => row.tagName === "TR");
  const apply = () => {
    const { verdict, direction } = filters.elements;
    for (const row of rows) {
      row.hidden = (verdict.value && row.dataset.verdict !== verdict.value)
        || (direction.value && row.dataset.direction !== direction.value);
    }
    const shown = inTable.filter((row) => !row.hidden).length;
    filters.querySelector("output").textContent = `${shown} of ${inTable.length} rows`;
  };
  filters.addEventListener("change", apply);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.reset();
  apply();
  filters.hidden = false;
})();
