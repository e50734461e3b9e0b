// The form that goes back to a release; the page of the pipeline shows how it goes on.

import { call, onSubmit } from "./call.js";

const form = document.querySelector("[data-rollback]");

if (form) {
  const { rollback, environment, target, after } = form.dataset;
  onSubmit(form, async ({ reason }) => {
    const body = { environment, reason, to_execution_id: Number(target) };
    const result = await call("POST", rollback, body);
    if (result.answer) location.assign(`${after}#execution-${result.answer.id}`);
    return result;
  });
}
