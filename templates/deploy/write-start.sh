write_start() {
  cat > start <<'START'
{% include "deploy/start.sh" %}
START
  chmod 755 start
}
