"use strict";

for (const gallery of document.querySelectorAll(".gallery")) {
  const form = gallery.querySelector("form");
  if (!form) continue;
  const cards = [...gallery.querySelectorAll(".card")].map((card) => ({
    card,
    text: card.textContent.toLowerCase(),
  }));
  const search = form.querySelector("[type=search]");
  const select = form.querySelector("select");
  const count = form.querySelector("output");

  const update = () => {
    const verdict = form.querySelector("[type=radio]:checked").value;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { card, text } of cards) {
      card.hidden =
        (verdict !== "" && card.dataset.verdict !== verdict) ||
        (select !== null && select.value !== "" && card.dataset.category !== select.value) ||
        !words.every((word) => text.includes(word));
      shown += card.hidden ? 0 : 1;
    }
    count.textContent = `${shown} of ${cards.length}`;
  };

  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  update();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, select")) return;
  const fields = [...document.querySelectorAll("form:not([hidden]) [type=search]")];
  const next = fields.find((field) => field.getBoundingClientRect().bottom > 0) ?? fields.at(-1);
  if (next) {
    event.preventDefault();
    next.focus();
  }
});
