// Writes what an entry of the log says into the dashboard. Everything goes in as text, never as markup: names of
// branches and messages of commits are whatever somebody pushed.

import { exactly, eventWord, isFinal, lasting, short, stepTold } from "./words.js";

// Milliseconds for which an execution that has ended stays under "Running now".
const LINGER = 15000;

const part = (element, name) => element.querySelector(`[data-part="${name}"]`);
const find = (attribute, value) => document.querySelector(`[${attribute}="${Number(value)}"]`);

// Whether the page now shows all that the entry says or implies. If not, it has to be fetched anew.
export function write({ kind, told }) {
  if (kind === "execution.created" || kind === "execution.transitioned") return writeExecution(kind, told);
  if (kind === "delivery.processed") return writeDelivery(told);
  return false;
}

export function countRunning() {
  const running = document.querySelectorAll(".card[data-execution]:not([data-ended])").length;
  part(document, "running").textContent = running;
  document.title = `${running ? `(${running}) ` : ""}Pipelines · Penstock`;
}

function writeExecution(kind, told) {
  const row = find("data-pipeline", told.pipeline_id);
  if (!row) return false;
  if (told.execution_id >= Number(row.dataset.latest)) writeRow(row, told);
  writeCard(row, told);
  countRunning();
  if (kind === "execution.transitioned") {
    say(`${part(row, "name").textContent} ${buildOf(told)} is ${told.status.toLowerCase()}`);
  }
  return kind === "execution.transitioned" || told.message !== undefined;
}

function writeRow(row, told) {
  const same = Number(row.dataset.latest) === told.execution_id;
  row.dataset.latest = told.execution_id;
  writeFacts(row, told, same);
  part(row, "when").replaceChildren(moment(new Date()));
  flash(row);
}

function writeCard(row, told) {
  let card = find("data-execution", told.execution_id);
  if (!card) {
    if (isFinal(told.status)) return;
    card = blankCard(row, told);
    document.querySelector("[data-cards]").prepend(card);
  }
  writeFacts(card, told, true);
  part(card, "environment").textContent = told.environment ?? "";
  writeTrack(part(card, "track"), told);
  flash(card);
  if (isFinal(told.status)) letGo(card);
  else delete card.dataset.ended;
}

function blankCard(row, told) {
  const card = document.querySelector("[data-blank-card]").content.firstElementChild.cloneNode(true);
  card.dataset.execution = told.execution_id;
  const name = part(card, "name");
  name.textContent = part(row, "name").textContent;
  name.href = `/pipelines/${Number(told.pipeline_id)}`;
  return card;
}

// Of the same execution what the entry does not tell stays as it is; of another one it is not known.
function writeFacts(element, told, same) {
  const status = part(element, "status");
  status.textContent = status.dataset.status = told.status;
  part(element, "build").textContent = buildOf(told);
  part(element, "branch").textContent = told.branch ?? "";
  part(element, "commit").textContent = short(told.bitbucket_commit_hash);
  if (told.message !== undefined || !same) part(element, "message").textContent = told.message ?? "";
  const length = part(element, "length");
  if (!same) forgetLength(length);
  if (told.to) writeLength(length, told);
}

function writeLength(length, told) {
  if (isFinal(told.to)) {
    const since = length.dataset.since;
    if (since) length.textContent = lasting((new Date(told.at) - new Date(since)) / 1000);
    delete length.dataset.since;
  } else if (told.to === "PLANNED") {
    forgetLength(length);
  } else if (told.from === "PLANNED" || isFinal(told.from)) {
    length.dataset.since = told.at;
    length.textContent = lasting((new Date() - new Date(told.at)) / 1000);
  }
}

function forgetLength(length) {
  delete length.dataset.since;
  length.textContent = "";
}

function writeTrack(track, told) {
  track.dataset.status = told.status;
  if (told.status !== "FAILED") track.dataset.stage = told.status;
  track.setAttribute("aria-label", stepTold(track.dataset.stage, told.status));
}

function letGo(card) {
  const ended = new Date().toISOString();
  card.dataset.ended = ended;
  setTimeout(() => {
    if (card.dataset.ended === ended) card.remove();
  }, LINGER);
}

function writeDelivery(told) {
  const row = find("data-repository", told.repository_id);
  if (!row) return false;
  const list = document.querySelector("[data-deliveries]");
  list.querySelector(`[data-delivery="${CSS.escape(told.delivery_id)}"]`)?.remove();
  list.prepend(deliveryItem(told, part(row, "name").textContent));
  while (list.children.length > Number(list.dataset.most)) list.lastElementChild.remove();
  // a push that joins an execution brings the message of its commit, for which there is no entry
  return told.verdicts.every((one) => one.verdict !== "joined");
}

function deliveryItem(told, name) {
  const head = make("div", "delivery-head");
  head.append(make("span", "event", eventWord(told.event_key)), " ", make("span", "name", name), moment(new Date()));
  const verdicts = make("ul", "verdicts");
  verdicts.append(...told.verdicts.map(verdictItem));
  const item = make("li", "delivery");
  item.dataset.delivery = told.delivery_id;
  item.append(head, verdicts);
  flash(item);
  return item;
}

function verdictItem(one) {
  const word = make("span", "verdict", one.verdict);
  word.dataset.verdict = one.verdict;
  const item = make("li");
  item.append(word);
  if (one.ref) item.append(" ", make("span", "branch", one.ref));
  item.append(" ", make("span", "reason", one.reason));
  return item;
}

function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function moment(at) {
  const element = make("time", "", "just now");
  element.dateTime = at.toISOString();
  element.title = exactly(at);
  element.dataset.ago = "";
  return element;
}

const buildOf = (told) => (told.bitbucket_build_number ? `#${told.bitbucket_build_number}` : "");

function flash(element) {
  element.classList.remove("changed");
  requestAnimationFrame(() => element.classList.add("changed"));
}

function say(text) {
  document.querySelector("[data-said]").textContent = text;
}
