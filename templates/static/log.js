// The log of an execution as it grows, a part for each step. Everything goes in as text, never as markup.
//
// The page's content is put anew while it is open; the log stays what it is and is put where it belongs again.

const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g;
const UNFINISHED = /\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*)?$/;
const CONTROLS = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;

// Letters of a step that are kept in the page, and how much of the end is always in sight.
const MOST = 2_000_000;
const NEAR = 40;

// Turns pieces of a step's text into whole lines as a terminal would leave them; the last one may grow.
class Lines {
  rest = "";
  held = "";

  take(text) {
    let whole = this.held + text;
    this.held = whole.match(UNFINISHED)?.[0].slice(0, 200) ?? "";
    whole = this.rest + whole.slice(0, whole.length - this.held.length).replace(ESCAPES, "");
    const lines = whole.split("\n");
    this.rest = lines.pop();
    return { lines: lines.map(overwritten), last: overwritten(this.rest) };
  }
}

// What is left of a line that was written over with carriage returns, as progress bars do.
function overwritten(line) {
  const trimmed = line.replace(/\r+$/, "");
  return trimmed.slice(trimmed.lastIndexOf("\r") + 1).replace(CONTROLS, "");
}

class Step {
  constructor(name) {
    this.lines = new Lines();
    this.element = document.createElement("details");
    this.element.className = "log-step";
    this.element.open = true;
    const summary = document.createElement("summary");
    summary.textContent = name;
    this.text = document.createElement("pre");
    this.text.tabIndex = 0;
    this.last = document.createTextNode("");
    this.text.append(this.last);
    this.element.append(summary, this.text);
    this.size = 0;
  }

  write(text) {
    const follows = this.text.scrollHeight - this.text.scrollTop - this.text.clientHeight < NEAR;
    const { lines, last } = this.lines.take(text);
    if (lines.length) this.put(lines.map((line) => `${line}\n`).join(""));
    this.last.data = last;
    if (follows) this.text.scrollTop = this.text.scrollHeight;
  }

  put(text) {
    this.last.before(text);
    this.size += text.length;
    while (this.size > MOST && this.text.firstChild.nextSibling !== this.last) {
      this.size -= this.text.firstChild.length;
      this.text.firstChild.remove();
    }
  }
}

const view = document.createElement("div");
const told = document.createElement("p");
told.className = "log-told";
const steps = new Map();

function write({ step, text }) {
  if (!steps.has(step)) {
    steps.set(step, new Step(step));
    told.before(steps.get(step).element);
  }
  steps.get(step).write(text);
  putBack();
}

function say(text) {
  told.textContent = text;
  putBack();
}

// Where the page has its place for the log; as long as there is none, the page says so itself.
function putBack() {
  const place = document.querySelector("[data-log]");
  if (place && view.parentElement !== place && (steps.size || told.textContent)) place.replaceChildren(view);
}

function begin() {
  const address = document.querySelector("[data-log]")?.dataset.log;
  if (!address) return;
  view.append(told);
  new MutationObserver(putBack).observe(document.getElementById("main"), { childList: true });
  const source = new EventSource(address);
  source.addEventListener("log_update", ({ data }) => write(JSON.parse(data)));
  source.addEventListener("log_error", ({ data }) => {
    const { message, final } = JSON.parse(data);
    say(message);
    if (final) source.close();
  });
  source.addEventListener("log_pace", ({ data }) => say(JSON.parse(data).message));
  source.addEventListener("log_complete", () => {
    if (steps.size) say("");
    source.close();
  });
}

begin();
