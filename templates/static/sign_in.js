// The sign-in form.

import { call, onSubmit } from "./call.js";

const form = document.querySelector("[data-sign-in]");

onSubmit(form, async (fields) => {
  const result = await call("POST", "/api/session", fields);
  if (!result.refused) location.assign("/");
  else form.elements.password.select();
  return result;
});
