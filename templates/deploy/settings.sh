# Where this environment lives. A deployment variable of the same name in Bitbucket wins over the value here.
export APP_NAME={{ app_name }}
export SITE_HOST={{ host }}
export APP_PORT={{ port }}
export CANDIDATE_PORT={{ candidate_port }}
export SITE_CANDIDATE_PORT={{ site_candidate_port }}
export KEEP_RELEASES={{ keep_releases }}
{% if server %}
export SSH_HOST="${SSH_HOST:-{{ server }}}"
{% endif %}
export SSH_USER="${SSH_USER:-deploy}"
export SSH_PORT="${SSH_PORT:-22}"
export DEPLOY_PATH="${DEPLOY_PATH:-/srv/{{ app_name }}}"
export HEALTHCHECK_URL="${HEALTHCHECK_URL:-{{ scheme }}://{{ host }}}"
export HEALTHCHECK_PATH="${HEALTHCHECK_PATH:-{{ health_path }}}"
export HEALTHCHECK_STATUS="${HEALTHCHECK_STATUS:-{{ health_status }}}"
