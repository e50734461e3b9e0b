pages_pid=

# Pages are asked at the top: they know nothing of the application's health path.
pages_answer_at() { HEALTHCHECK_PATH=/ HEALTHCHECK_STATUS=any answers_locally "$1"; }

start_candidate_pages() {
  setsid "releases/$release/start-pages" "$DEPLOY_PAGES_CANDIDATE_PORT" "$DEPLOY_INNER_CANDIDATE_PORT" \
    > "releases/$release/pages.log" 2>&1 < /dev/null 9>&- &
  pages_pid=$!
}

candidate_pages_run() { kill -0 "$pages_pid" 2> /dev/null; }

candidate_pages_decided() { ! candidate_pages_run || pages_answer_at "$DEPLOY_PAGES_CANDIDATE_PORT"; }

candidate_pages_answer() {
  candidate_pages_run && pages_answer_at "$DEPLOY_PAGES_CANDIDATE_PORT" && return
  say "the pages of release $release do not answer; the end of what they printed:"
  tail -n 40 "releases/$release/pages.log" || true
  return 1
}

stop_candidate_pages() {
  [ -n "$pages_pid" ] || return 0
  kill -- "-$pages_pid" 2> /dev/null || true
  wait "$pages_pid" 2> /dev/null || true
  pages_pid=
}

serve_pages() {
  (cd current && pm2 startOrReload pages.config.cjs --update-env && pm2 save) 9>&-
}

pages_run_release() { pm2_runs_release "$DEPLOY_NAME-pages" "$1" && pages_answer_at "$DEPLOY_PAGES_PORT"; }
