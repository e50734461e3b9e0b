{% include "deploy/docker-release.sh" %}

install_release() {
  install_docker
}
