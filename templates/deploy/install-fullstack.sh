{% include "deploy/site-files.sh" %}

{% include "deploy/" ~ backend ~ "-release.sh" %}

install_release() {
  check_site
  carry_assets
  install_{{ backend }}
}
