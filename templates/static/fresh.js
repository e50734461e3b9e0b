// Fetches this page anew and puts its content in the place of the old, without a reload.
//
// The server has rendered and escaped it, and it carries the cursor up to which it is true.

export async function fetchContent() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (response.redirected || response.status === 404) {
    location.reload(); // signed out, or not ours to see any more: let the server say what is there instead
    throw new Error("the page is not there any more");
  }
  if (!response.ok) throw new Error(`the page answered ${response.status}`);
  const fetched = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("main");
  return { nodes: fetched.childNodes, cursor: Number(fetched.dataset.cursor) };
}

export function putContent(nodes) {
  const main = document.getElementById("main");
  const open = [...main.querySelectorAll("details[open]")].map((details) => details.id);
  const focused = addressOf(document.activeElement);
  main.replaceChildren(...nodes);
  for (const details of main.querySelectorAll("details")) details.open = open.includes(details.id);
  if (focused) main.querySelector(focused)?.focus({ preventScroll: true });
}

// How to find the focused element again: by its id, its link, or as the summary of a known section.
function addressOf(element) {
  if (!element?.closest("#main")) return null;
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.hasAttribute("href")) return `[href="${CSS.escape(element.getAttribute("href"))}"]`;
  return element.tagName === "SUMMARY" && element.parentElement.id
    ? `#${CSS.escape(element.parentElement.id)} > summary`
    : null;
}
