{% include "deploy/write-start.sh" %}

install_pm2() {
  write_start
  cat > ecosystem.config.cjs <<'ECOSYSTEM'
{% include "pm2/ecosystem.config.cjs" %}
ECOSYSTEM
}
