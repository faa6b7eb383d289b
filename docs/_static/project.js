// Shows the sections of this page one by one, each on the whole screen: → and ← turn the pages, Esc ends.

const sections = [...document.querySelectorAll("article section section")];
const place = document.createElement("div");
place.id = "project-place";
place.setAttribute("aria-live", "polite");
let shown = -1;

function show(number) {
  if (number < 0 || number >= sections.length) return;
  sections[shown]?.classList.remove("projected");
  shown = number;
  document.body.classList.add("projecting");
  sections[shown].classList.add("projected");
  sections[shown].scrollTop = 0;
  place.textContent = `${shown + 1} / ${sections.length}`;
  document.body.append(place);
  history.replaceState(null, "", `#${sections[shown].id}`);
}

function end() {
  sections[shown]?.classList.remove("projected");
  document.body.classList.remove("projecting");
  place.remove();
  sections[shown]?.scrollIntoView();
  shown = -1;
}

const button = document.querySelector("#project");
button.hidden = false;
button.addEventListener("click", () => {
  show(Math.max(0, sections.findIndex((section) => `#${section.id}` === location.hash)));
  button.blur();
});

document.addEventListener("keydown", (event) => {
  if (shown < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
  if (["ArrowRight", "PageDown", " "].includes(event.key)) show(shown + 1);
  else if (["ArrowLeft", "PageUp"].includes(event.key)) show(shown - 1);
  else if (event.key === "Home") show(0);
  else if (event.key === "End") show(sections.length - 1);
  else if (event.key === "Escape") end();
  else return;
  event.preventDefault();
});
