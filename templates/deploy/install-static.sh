{% include "deploy/site-files.sh" %}

install_release() {
  check_site
  carry_assets
}
