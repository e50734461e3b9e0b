{% include "deploy/python-release.sh" %}

install_release() {
  install_python
}
