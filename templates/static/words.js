// How the page says times, lengths of time and events: as service/web/pages/words.py says them.

export const STAGES = ["PLANNED", "BUILDING", "TESTING", "DEPLOYING", "SUCCESS"];

export const isFinal = (status) => status === "SUCCESS" || status === "FAILED";

const EVENTS = {
  "repo:push": "Push",
  "repo:commit_status_created": "Build status",
  "repo:commit_status_updated": "Build status",
  "repo:updated": "Repository updated",
  "repo:transfer": "Repository moved",
  "repo:deleted": "Repository deleted",
  "pipeline:span_created": "Pipeline span",
};

export const eventWord = (key) => EVENTS[key] ?? key;

export const short = (commit) => (commit ?? "").slice(0, 7);

export function lasting(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} m`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

export function ago(at, now) {
  const seconds = Math.max(0, Math.floor((now - at) / 1000));
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

export const exactly = (at) => `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;

export function stepTold(stage, status) {
  const place = `step ${STAGES.indexOf(stage) + 1} of ${STAGES.length}, ${stage.toLowerCase()}`;
  return status === "FAILED" ? `Failed at ${place}` : `S${place.slice(1)}`;
}
