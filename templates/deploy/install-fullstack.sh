{% if pages is none %}
{% include "deploy/site-files.sh" %}
{% else %}
{% include "deploy/pages-release.sh" %}
{% endif %}

{% include "deploy/" ~ backend ~ "-release.sh" %}

install_release() {
{% if pages is none %}
  check_site
  carry_assets
{% else %}
  install_pages
{% endif %}
  install_{{ backend }}
}
