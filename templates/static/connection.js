// Follows the server's events over one EventSource, from a cursor on, through whatever happens to the connection.
//
// The browser itself reconnects after a break, and says with Last-Event-ID where it was. It gives up for good only
// when the server answers, but not with a stream: after a sign-out, or a proxy's error while the server restarts.
// Then `onGivenUp` is asked, after a while that doubles, from which cursor to go on.

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;

const KINDS = [
  "execution.created",
  "execution.transitioned",
  "execution.rolled_back",
  "pipeline.created",
  "pipeline.updated",
  "pipeline.deleted",
  "config.regenerated",
  "config.drifted",
  "environment.held",
  "environment.released",
  "delivery.processed",
  "notification.failed",
];

// A page that nobody looks at lets go of its stream after a while, and goes on where it was when it is looked at again:
// over HTTP/1.1 a browser has six connections to a server, for all of its tabs together.
const UNSEEN = 60000;

// `onEntry({kind, cursor, told})` gets each entry of the log, `onReset()` what cannot be resumed, `onState(word)` one
// of live and reconnecting. `onGivenUp()` answers a cursor, or throws to be asked again later.
export function follow(address, cursor, { onEntry, onReset, onState, onGivenUp }) {
  let source = null;
  let last = cursor;
  let wait = FIRST_WAIT;
  let letGo = null;

  function open() {
    source?.close();
    const url = new URL(address, location.href);
    url.searchParams.set("after", last);
    source = new EventSource(url);
    listen("ready", () => {
      wait = FIRST_WAIT;
      onState("live");
    });
    listen("reset", onReset);
    for (const kind of KINDS) {
      listen(kind, (event) => onEntry({ kind, cursor: last, told: JSON.parse(event.data) }));
    }
    source.addEventListener("bye", () => onState("reconnecting"));
    source.addEventListener("error", () => {
      onState("reconnecting");
      if (source.readyState === EventSource.CLOSED) openLater();
    });
  }

  function listen(kind, hear) {
    source.addEventListener(kind, (event) => {
      last = Number(event.lastEventId);
      hear(event);
    });
  }

  function openLater() {
    // spread: after a restart not every page of every desk comes at the same moment
    const spread = wait * (0.75 + Math.random() / 2);
    wait = Math.min(wait * 2, LONGEST_WAIT);
    setTimeout(async () => {
      try {
        last = await onGivenUp();
        open();
      } catch {
        openLater();
      }
    }, spread);
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(letGo);
    if (document.hidden) letGo = setTimeout(() => source.close(), UNSEEN);
    else if (source.readyState === EventSource.CLOSED) open();
  });

  open();
}
