// The form that connects a repository, and the webhook that comes of it.

import { call, onSubmit } from "./call.js";

const field = (name) => document.querySelector(`[data-field="${name}"]`);

onSubmit(document.querySelector("[data-connect]"), async ({ workspace, slug }) => {
  const result = await call("POST", "/api/repositories", { workspace: workspace.trim(), slug: slug.trim() });
  if (result.answer) show(result.answer.webhook);
  return result;
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const input = field(button.dataset.copy);
    input.select();
    // absent where the page came over plain http: then the text is selected, to be copied by hand
    await navigator.clipboard?.writeText(input.value);
    button.textContent = navigator.clipboard ? "Copied" : "Selected";
  });
}

function show({ url, secret, instructions }) {
  document.querySelector("[data-instructions]").textContent = instructions;
  field("url").value = url;
  field("secret").value = secret;
  for (const section of document.querySelectorAll("[data-webhook]")) section.hidden = false;
  document.getElementById("second").focus();
}
