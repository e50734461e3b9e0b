image_of() { cat "releases/$1/{{ app_dir }}/IMAGE"; }

# first: name of the container, second: loopback port, third: release
run_container() {
  local file files=()
  for file in shared/.env shared/.env.pipeline; do
    if [ -r "$file" ]; then
      files+=(--env-file "$file")
    fi
  done
  docker run --detach --name "$1" --publish "127.0.0.1:$2:{{ container_port }}" "${files[@]}" \
    --env "RELEASE=$3" --env "PORT={{ container_port }}" --restart unless-stopped \
    --log-opt max-size=10m --log-opt max-file=3 "$(image_of "$3")" > /dev/null 9>&-
}

remove_container() {
  docker rm --force "$1" > /dev/null 2>&1 || true
}

start_candidate() {
  remove_container "$DEPLOY_NAME-candidate"
  run_container "$DEPLOY_NAME-candidate" "$DEPLOY_CANDIDATE_PORT" "$release"
}

candidate_runs() {
  [ "$(docker inspect --format '{{ "{{.State.Running}}" }}' "$DEPLOY_NAME-candidate" 2> /dev/null)" = true ]
}

candidate_decided() { ! candidate_runs || answers_locally "$DEPLOY_CANDIDATE_PORT"; }

candidate_answers() {
  candidate_runs && answers_locally "$DEPLOY_CANDIDATE_PORT" && return
  say "release $release does not answer; the end of what it printed:"
  docker logs --tail 40 "$DEPLOY_NAME-candidate" 2>&1 || true
  return 1
}

stop_candidate() { remove_container "$DEPLOY_NAME-candidate"; }

# nginx goes to the candidate while the container is replaced: it is the backup of the same upstream.
serve() {
  docker stop "$DEPLOY_NAME" > /dev/null 2>&1 || true
  remove_container "$DEPLOY_NAME"
  run_container "$DEPLOY_NAME" "$DEPLOY_PORT" "$(live_release)"
  # A connection that nginx began to the container that went is given up after three seconds, and tried at the candidate.
  sleep 4
}

runs_release() {
  [ "$(docker inspect --format '{{ "{{.Config.Image}}" }}' "$DEPLOY_NAME" 2> /dev/null)" = "$(image_of "$1")" ] &&
    answers_locally "$DEPLOY_PORT"
}

forget() {
  if [ -r "releases/$1/{{ app_dir }}/IMAGE" ]; then
    docker image rm "$(image_of "$1")" > /dev/null 2>&1 || true
  fi
}
