{% include "deploy/candidate-process.sh" %}

serve() {
  (cd current && pm2 startOrReload ecosystem.config.cjs --update-env && pm2 save) 9>&-
}

{% if pages is none %}
{% include "deploy/pm2-workers.sh" %}

{% endif %}
runs_release() { pm2_runs_release "$DEPLOY_NAME" "$1" && answers_locally "$DEPLOY_PORT"; }

forget() { :; }
