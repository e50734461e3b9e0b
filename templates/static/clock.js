// Moves the times on the page: what has been under way for how long, and how long ago something was.

import { ago, lasting } from "./words.js";

export function tick(now = new Date()) {
  for (const length of document.querySelectorAll("[data-since]")) {
    length.textContent = lasting((now - new Date(length.dataset.since)) / 1000);
  }
  for (const moment of document.querySelectorAll("time[data-ago]")) {
    const told = ago(new Date(moment.dateTime), now);
    if (moment.textContent !== told) moment.textContent = told;
  }
}

export function startClock() {
  tick();
  setInterval(tick, 1000);
}
