{% include "deploy/pm2-release.sh" %}

install_release() {
  install_pm2
}
