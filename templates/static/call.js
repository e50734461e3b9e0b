// One call of the API from a form: what it answers, or a sentence about why it would not.

export async function call(method, address, body) {
  const options = { method };
  if (body) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const response = await fetch(address, options).catch(() => null);
  if (!response) return { refused: "Penstock does not answer. Is it running?" };
  if (response.status === 204) return {};
  const answer = await response.json().catch(() => ({ detail: `Penstock answered ${response.status}` }));
  return response.ok ? { answer } : { refused: sentence(answer) };
}

function sentence({ detail, errors = [] }) {
  const told = errors.map(({ field, message }) => `${field}: ${message}`);
  return [detail, ...told].join(". ");
}

// Calls `send(fields)` when the form is submitted, and shows in the page's error line what it answers as `refused`.
export function onSubmit(form, send) {
  const error = document.querySelector("[data-error]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    const { refused } = await send(Object.fromEntries(new FormData(form)));
    button.disabled = false;
    error.hidden = !refused;
    error.textContent = refused ?? "";
  });
}
