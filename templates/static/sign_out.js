// The button that ends the session, on every page.

import { call } from "./call.js";

document.querySelector("[data-sign-out]").addEventListener("click", async () => {
  await call("DELETE", "/api/session");
  location.assign("/sign-in");
});
