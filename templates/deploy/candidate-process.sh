candidate_pid=

start_candidate() {
  (
    load_variables
    cd -- "releases/$release/{{ app_dir }}"
    export RELEASE="$release" PORT="$CANDIDATE_PORT" {{ candidate_environment }}
    exec setsid {{ candidate_command }}
  ) > "releases/$release/candidate.log" 2>&1 < /dev/null 9>&- &
  candidate_pid=$!
}

candidate_answers() {
  kill -0 "$candidate_pid" 2> /dev/null && answers_locally "$CANDIDATE_PORT" && return
  say "release $release does not answer; the end of what it printed:"
  tail -n 40 "releases/$release/candidate.log" || true
  return 1
}

candidate_decided() {
  ! kill -0 "$candidate_pid" 2> /dev/null || answers_locally "$CANDIDATE_PORT"
}

stop_candidate() {
  [ -n "$candidate_pid" ] || return 0
  kill -- "-$candidate_pid" 2> /dev/null || true
  wait "$candidate_pid" 2> /dev/null || true
  candidate_pid=
}
