install_pages() {
  cat > start-pages <<'START'
{% with app_dir = pages.app_dir, start_environment = pages.start_environment, start_command = pages.start_command %}
{% include "deploy/start.sh" %}
{% endwith %}
START
  chmod 755 start-pages
  cat > pages.config.cjs <<'ECOSYSTEM'
{% with app_dir = pages.app_dir, program = pages.program, answers_as = "pages" %}
{% include "pm2/ecosystem.config.cjs" %}
{% endwith %}
ECOSYSTEM
}
