// Keeps the page true: from the cursor at which the server rendered it, entry by entry.
//
// The dashboard writes most entries into what is there. Whatever else happens, and on every other page, the content is
// fetched anew; entries that come meanwhile are written again afterwards, so that none is lost between the two.

import { countRunning, write } from "./board.js";
import { startClock, tick } from "./clock.js";
import { follow } from "./connection.js";
import { fetchContent, putContent } from "./fresh.js";

const TOLD = { live: "Live", reconnecting: "Reconnecting…" };

// Milliseconds: one fetch for everything that comes within the first; the wait after one that failed.
const GATHER = 300;
const AFTER_FAILURE = 3000;

const main = document.getElementById("main");
const isBoard = () => document.querySelector("[data-cards]") !== null;

let cursor = Number(main.dataset.cursor);
let meanwhile = [];
let fetching = null;
let planned = null;

function receive(entry) {
  if (fetching) meanwhile.push(entry);
  apply(entry);
}

function apply(entry) {
  if (entry.cursor <= cursor) return;
  cursor = entry.cursor;
  if (!(isBoard() && write(entry))) fetchSoon();
}

function fetchSoon() {
  planned ??= setTimeout(() => {
    planned = null;
    fetchNow().catch(() => setTimeout(fetchSoon, AFTER_FAILURE));
  }, GATHER + Math.random() * GATHER);
}

// Answers the cursor up to which the page is true. One fetch at a time: who asks during one gets its answer.
function fetchNow() {
  fetching ??= replaceContent().finally(() => {
    fetching = null;
    meanwhile = [];
  });
  return fetching;
}

async function replaceContent() {
  const content = await fetchContent();
  putContent(content.nodes);
  cursor = content.cursor;
  for (const entry of meanwhile) apply(entry);
  if (isBoard()) countRunning();
  tick();
  return cursor;
}

function showState(state) {
  const mark = document.querySelector("[data-connection]");
  if (mark.dataset.connection === state) return;
  mark.dataset.connection = state;
  mark.querySelector("[data-part=told]").textContent = TOLD[state];
}

startClock();
if (isBoard()) countRunning();
follow(main.dataset.stream, cursor, {
  onEntry: receive,
  onReset: fetchSoon,
  onState: showState,
  onGivenUp: fetchNow,
});
