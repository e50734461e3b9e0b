# Starts the release beside the live one, asks it, and only then lets it take over; the same lines deploy and roll back.
bash_on_server <<'REMOTE'
{% include "deploy/remote.sh" %}

# The numbers of all releases, newest first.
numbers() {
  find releases -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | awk '/^[1-9][0-9]*$/' | sort -rn
}

live_release() {
  local link
  link=$(readlink current) || return 0
  printf '%s\n' "${link##*/}"
}

is_good() { [ -e "releases/$1/.complete" ] && [ ! -e "releases/$1/.bad" ]; }

# The newest good release below the one given: a release that failed or was rolled back is passed over.
release_before() {
  local number
  for number in $(numbers); do
    if [ "$number" -lt "$1" ] && is_good "$number"; then
      printf '%s\n' "$number"
      return
    fi
  done
}

answers() {
  local status
  status=$(curl --silent --output /dev/null --write-out '%{http_code}' --max-time 5 "$@" < /dev/null) || return 1
  case $HEALTHCHECK_STATUS in
    any) [ "$status" -ge 200 ] && [ "$status" -lt 500 ] ;;
    *) [ "$status" = "$HEALTHCHECK_STATUS" ] ;;
  esac
}

answers_locally() {
  answers --header "Host: $DEPLOY_HOST" --header 'X-Forwarded-Proto: https' "http://127.0.0.1:$1$HEALTHCHECK_PATH"
}

# Tries a command every half second. first: how often
within() {
  local left=$1
  shift
  until "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.5
  done
}

{% include "deploy/run-" ~ run ~ ".sh" %}

{% if pages is not none %}
{% include "deploy/pm2-workers.sh" %}

{% include "deploy/pages.sh" %}

{% endif %}
{% if site_dir is not none %}
start_candidate_site() {
  ln -sfn "releases/$release" .candidate.new
  mv -Tf .candidate.new candidate
}

candidate_site_answers() {
  local shown
  shown=$(curl --silent --fail --max-time 5 --header "Host: $DEPLOY_HOST" "http://127.0.0.1:$DEPLOY_SITE_PORT/release.txt") || return 1
  [ "$shown" = "$release" ] || return 1
  curl --silent --fail --output /dev/null --max-time 5 --header "Host: $DEPLOY_HOST" "http://127.0.0.1:$DEPLOY_SITE_PORT/"
}
{% endif %}

candidate_is_healthy() {
{% if site_dir is not none %}
  start_candidate_site || return 1
  within 6 candidate_site_answers || { say "nginx does not serve the files of release $release"; return 1; }
{% endif %}
  start_candidate || return 1
  within 60 candidate_decided || { say "release $release did not answer in time"; return 1; }
{% if pages is none %}
  candidate_answers
{% else %}
  candidate_answers || return 1
  start_candidate_pages || return 1
  within 60 candidate_pages_decided || { say "the pages of release $release did not answer in time"; return 1; }
  candidate_pages_answer
{% endif %}
}

cleanup() {
  stop_candidate
{% if pages is not none %}
  stop_candidate_pages
{% endif %}
  rm -f candidate
}

switch_to() {
  ln -sfn "releases/$1" .current.new
  mv -Tf .current.new current
}

public_site_shows() {
  local shown
  shown=$(curl --silent --fail --max-time 5 "$HEALTHCHECK_URL/release.txt" < /dev/null) || return 1
{% if pages is not none %}
  HEALTHCHECK_STATUS=any answers "$HEALTHCHECK_URL/" || return 1
{% endif %}
  [ "$shown" = "$1" ] && answers "$HEALTHCHECK_URL$HEALTHCHECK_PATH"
}

# The release's own file for nginx, where the server has the unit that installs it. Prints `nginx HOST sha256 DIGEST STATE`
# of the file that is there afterwards.
install_site() {
  local failed=0
  systemctl cat "$DEPLOY_NAME-site.service" > /dev/null 2>&1 || return 0
  sudo systemctl restart "$DEPLOY_NAME-site.service" 9>&- || failed=1
  cat "/var/lib/$DEPLOY_NAME-site/result" || true
  return "$failed"
}

# What the service manager says is not believed: only an answer from the new release counts.
goes_live() {
  switch_to "$1"
  serve || say 'the service manager reports a failure; the probe decides'
  within 20 runs_release "$1" || { say "the service does not run release $1"; return 1; }
{% if pages is not none %}
  serve_pages || say 'PM2 reports a failure of the pages; the probe decides'
  within 20 pages_run_release "$1" || { say "the pages of release $1 do not run"; return 1; }
{% endif %}
  install_site || { say "the nginx file of release $1 is not installed"; return 1; }
  stop_candidate
{% if pages is not none %}
  stop_candidate_pages
{% endif %}
  [ "$HEALTHCHECK_URL" = off ] && return
  within 10 public_site_shows "$1" || { say "$HEALTHCHECK_URL does not show release $1"; return 1; }
}

prune() {
  local number kept=0
  for number in $(numbers); do
    if [ "$number" = "$release" ] || [ "$number" = "$before" ]; then
      kept=$((kept + 1))
    elif is_good "$number" && [ "$kept" -lt "$DEPLOY_KEEP" ]; then
      kept=$((kept + 1))
    elif [ "$number" -lt "$release" ]; then
      forget "$number"
      rm -rf "releases/${number:?}"
    fi
  done
}

# Nothing goes back to what was left for an older number, or for an older commit that was built anew.
is_left_behind() {
  [ -n "$before" ] && [ "$before" != "$release" ] || return 1
  [ "$before" -gt "$release" ] || [ "$DEPLOY_PURPOSE" = rollback ]
}

main() {
  cd -P -- "$DEPLOY_PATH"
  exec 9> .deploy.lock
  flock -w 300 9 || { say 'another deployment has held the lock for five minutes'; exit 75; }
  before=$(live_release)
  release=$RELEASE
  if [ "$release" = previous ]; then
    release=$(release_before "${before:-0}")
    [ -n "$release" ] || { say 'there is no good release to go back to'; exit 66; }
  fi
  if ! [[ $release =~ ^[1-9][0-9]{0,9}$ ]] || [ ! -e "releases/$release/.complete" ]; then
    say "RELEASE is neither 'previous' nor the number of a complete release on this server"
    exit 66
  fi
  if [ "$DEPLOY_PURPOSE" = rollback ] && [ -e "releases/$release/.bad" ]; then
    say "Release $release has failed or was rolled back before; to use it after all, run its own deployment again"
    exit 66
  fi
  trap cleanup EXIT

  if ! candidate_is_healthy; then
    say "Release $release is refused; ${before:-nothing} stays live"
    [ "$release" = "$before" ] || touch "releases/$release/.bad"
    exit 1
  fi
  if goes_live "$release"; then
    rm -f "releases/$release/.bad"
    if is_left_behind; then
      touch "releases/$before/.bad"
    fi
    prune
    say "Release $release is live; before it: ${before:-nothing}. shared/ and the database are as they were."
    return
  fi
  if [ -z "$before" ]; then
    touch "releases/$release/.bad"
    rm -f current
    say "Release $release failed and there is none to go back to"
  elif [ "$release" != "$before" ]; then
    touch "releases/$release/.bad"
    if goes_live "$before"; then
      say "Release $release failed; $before is live again"
    else
      say "Release $release failed and $before does not answer either: look at the service on the server"
    fi
  fi
  exit 1
}

main < /dev/null
REMOTE
