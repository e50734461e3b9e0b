// The form that connects a repository, and the webhook that comes of it.

import { call, onSubmit } from "./call.js";

const field = (name) => document.querySelector(`[data-field="${name}"]`);

onSubmit(document.querySelector("[data-connect]"), async ({ workspace, slug, token }) => {
  const wanted = { workspace: workspace.trim(), slug: slug.trim() };
  const kept = token.trim() ? await keep(token.trim(), wanted) : {};
  if (kept.refused) return kept;
  if (kept.answer) wanted.credential_id = kept.answer.id;
  const result = await call("POST", "/api/repositories", wanted);
  if (result.answer) show(result.answer.webhook);
  else if (kept.answer) await call("DELETE", `/api/credentials/${kept.answer.id}`);
  return result;
});

function keep(token, { workspace, slug }) {
  return call("POST", "/api/credentials", { kind: "access_token", name: `${workspace}/${slug}`.slice(0, 100), token });
}

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
  // without instructions there is nothing to paste: Penstock makes the webhook itself
  document.querySelector("[data-instructions]").textContent = instructions ?? "";
  field("url").value = url;
  field("secret").value = secret;
  for (const section of document.querySelectorAll("[data-webhook]")) {
    section.hidden = "byHand" in section.dataset && !instructions;
  }
  document.getElementById(instructions ? "second" : "third").focus();
}
