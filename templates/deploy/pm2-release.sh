install_pm2() {
  cat > ecosystem.config.cjs <<'ECOSYSTEM'
{% include "pm2/ecosystem.config.cjs" %}
ECOSYSTEM
}
