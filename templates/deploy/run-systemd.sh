{% include "deploy/candidate-process.sh" %}

# nginx goes to the candidate while the service restarts: it is the backup of the same upstream.
serve() { sudo systemctl restart "$DEPLOY_NAME.service" 9>&-; }

# A process keeps the directory that it was started in, however the link moves afterwards.
runs_release() {
  local pid directory
  pid=$(systemctl show --property=MainPID "$DEPLOY_NAME.service") || return 1
  pid=${pid#MainPID=}
  directory=$(readlink "/proc/$pid/cwd") || return 1
  case $directory/ in
    "$PWD/releases/$1/"*) answers_locally "$DEPLOY_PORT" ;;
    *) return 1 ;;
  esac
}

forget() { :; }
