// Sources on paper, where nothing can be unfolded.
for (const [event, open] of [["beforeprint", true], ["afterprint", false]]) {
  window.addEventListener(event, () => {
    for (const part of document.querySelectorAll("details[data-print]")) part.open = open;
  });
}

// What stands behind an element, for those who have no mouse to hover with: shown at the foot of the
// window while it has the focus.

(() => {
  const box = document.createElement("div");
  box.id = "hint";
  box.setAttribute("role", "status");
  box.hidden = true;
  document.body.append(box);
  const hide = () => { box.hidden = true; };
  document.addEventListener("focusin", ({ target }) => {
    const text = target.matches("[title][tabindex]") ? target.title : "";
    box.textContent = text;
    box.hidden = text === "";
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
})();
