// "/" goes to the search field, "?" lists the shortcuts.
const help = document.querySelector<HTMLDialogElement>("dialog#shortcuts");

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}

document.addEventListener("keydown", (event) => {
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  // The search of the portal; on a narrow screen its menu opens first.
  const menu = document.querySelector<HTMLDetailsElement>(".bar > details");
  if (event.key === "/" && menu && menu.offsetParent) menu.open = true;
  const search = [...document.querySelectorAll<HTMLInputElement>("[role=search] input[type=search]")].find((input) => input.offsetParent);
  if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "?" && help) {
    event.preventDefault();
    help.showModal();
  }
});
