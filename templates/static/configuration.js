// Buttons about config revisions and drift. The page's content is put anew while it is open, so one listener hears all.

import { call } from "./call.js";

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-post], [data-copy-text]");
  if (!button) return;
  if (button.dataset.post) await send(button);
  else await copy(button);
});

async function send(button) {
  button.disabled = true;
  const { refused } = await call("POST", button.dataset.post, button.dataset.body && JSON.parse(button.dataset.body));
  button.disabled = false;
  const told = refused ?? button.dataset.done;
  document.querySelector("[data-said]").textContent = told;
  const line = button.closest(".actions").querySelector("[data-told]");
  line.textContent = told;
  line.classList.toggle("error", Boolean(refused));
}

async function copy(button) {
  const text = document.getElementById(button.dataset.copyText);
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
    return;
  }
  getSelection().selectAllChildren(text); // the page came over plain http: then it is selected, to be copied by hand
  button.textContent = "Selected";
}
