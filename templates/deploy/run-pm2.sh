{% include "deploy/candidate-process.sh" %}

serve() {
  (cd current && pm2 startOrReload ecosystem.config.cjs --update-env && pm2 save) 9>&-
}

# A worker keeps the directory that it was started in; PM2 says "online" for workers that have not even loaded.
runs_release() {
  local pid directory pids
  pids=$(pm2 pid "$DEPLOY_NAME" 9>&-) || return 1
  [ -n "$pids" ] || return 1
  for pid in $pids; do
    directory=$(readlink "/proc/$pid/cwd") || return 1
    case $directory/ in
      "$PWD/releases/$1/"*) ;;
      *) return 1 ;;
    esac
  done
  answers_locally "$DEPLOY_PORT"
}

forget() { :; }
