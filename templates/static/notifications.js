// Routes of notifications: one more, one less, one that is silent for a while.

import { call, onSubmit } from "./call.js";

const form = document.querySelector("[data-notify]");

form.kind.addEventListener("change", () => {
  const mail = form.kind.value === "email";
  form.querySelector("[data-place]").textContent = mail ? "Address" : "Link";
  form.place.placeholder = { email: "team@example.com", apprise: "ntfys://host/topic, or https://…" }[form.kind.value] ?? "https://…";
});

onSubmit(form, async ({ name, kind, place, environment, branch }) => {
  const events = new FormData(form).getAll("events");
  if (!events.length) return { refused: "Choose at least one thing to be told." };
  const target = kind === "email" ? { kind, address: place } : { kind, url: place };
  const filter = { events, ...(environment && { environment }), ...(branch && { branch }) };
  const result = await call("POST", "/api/notifications", { name, target, filter });
  const secret = result.answer?.target.secret;
  if (secret) {
    const line = document.querySelector("[data-secret]");
    line.hidden = false;
    line.querySelector("input").value = secret;
    line.querySelector("input").select();
  } else if (result.answer) {
    location.reload();
  }
  return result;
});

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-route]");
  if (!button) return;
  const { route, change, remove } = button.dataset;
  if (remove && !confirm(`Remove ${remove}? Its messages go with it.`)) return;
  button.disabled = true;
  const address = `/api/notifications/${route}`;
  const { refused } = remove ? await call("DELETE", address) : await call("PUT", address, JSON.parse(change));
  button.disabled = false;
  if (refused) button.closest(".actions").querySelector("[data-told]").textContent = refused;
  else location.reload();
});
