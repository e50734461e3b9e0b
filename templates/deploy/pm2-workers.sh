# A worker keeps the directory that it was started in; PM2 says "online" for workers that have not even loaded.
# first: PM2's name of the program, second: release
pm2_runs_release() {
  local pid directory pids
  pids=$(pm2 pid "$1" 9>&-) || return 1
  [ -n "$pids" ] || return 1
  for pid in $pids; do
    directory=$(readlink "/proc/$pid/cwd") || return 1
    case $directory/ in
      "$PWD/releases/$2/"*) ;;
      *) return 1 ;;
    esac
  done
}
