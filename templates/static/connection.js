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

// `onEntry({kind, cursor, told})` gets each entry of the log, `onReset()` what cannot be resumed, `onState(word)` one
// of live and reconnecting. `onGivenUp()` answers a cursor, or throws to be asked again later.
export function follow(address, cursor, { onEntry, onReset, onState, onGivenUp }) {
  let wait = FIRST_WAIT;

  function open(after) {
    const url = new URL(address, location.href);
    url.searchParams.set("after", after);
    const source = new EventSource(url);
    source.addEventListener("ready", () => {
      wait = FIRST_WAIT;
      onState("live");
    });
    source.addEventListener("reset", onReset);
    source.addEventListener("bye", () => onState("reconnecting"));
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        onEntry({ kind, cursor: Number(event.lastEventId), told: JSON.parse(event.data) });
      });
    }
    source.addEventListener("error", () => {
      onState("reconnecting");
      if (source.readyState === EventSource.CLOSED) openLater();
    });
  }

  function openLater() {
    // spread: after a restart not every page of every desk comes at the same moment
    const spread = wait * (0.75 + Math.random() / 2);
    wait = Math.min(wait * 2, LONGEST_WAIT);
    setTimeout(async () => {
      try {
        open(await onGivenUp());
      } catch {
        openLater();
      }
    }, spread);
  }

  open(cursor);
}
