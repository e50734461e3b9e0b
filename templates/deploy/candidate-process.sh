candidate_pid=

start_candidate() {
  setsid "releases/$release/start" "$DEPLOY_CANDIDATE_PORT" > "releases/$release/candidate.log" 2>&1 < /dev/null 9>&- &
  candidate_pid=$!
}

candidate_runs() { kill -0 "$candidate_pid" 2> /dev/null; }

candidate_decided() { ! candidate_runs || answers_locally "$DEPLOY_CANDIDATE_PORT"; }

candidate_answers() {
  candidate_runs && answers_locally "$DEPLOY_CANDIDATE_PORT" && return
  say "release $release does not answer; the end of what it printed:"
  tail -n 40 "releases/$release/candidate.log" || true
  return 1
}

stop_candidate() {
  [ -n "$candidate_pid" ] || return 0
  kill -- "-$candidate_pid" 2> /dev/null || true
  wait "$candidate_pid" 2> /dev/null || true
  candidate_pid=
}
