install_docker() {
  docker pull --quiet "$(cat {{ app_dir | shell }}/IMAGE)"
}
