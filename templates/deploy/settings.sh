# Where this environment lives. A deployment variable of the same name in Bitbucket wins over the value here.
export DEPLOY_NAME={{ app_name }}
export DEPLOY_HOST={{ host }}
export DEPLOY_PORT={{ port }}
export DEPLOY_CANDIDATE_PORT={{ candidate_port }}
export DEPLOY_SITE_PORT={{ site_candidate_port }}
{% if pages %}
export DEPLOY_PAGES_PORT={{ pages_port }}
export DEPLOY_PAGES_CANDIDATE_PORT={{ pages_candidate_port }}
export DEPLOY_INNER_PORT={{ inner_port }}
export DEPLOY_INNER_CANDIDATE_PORT={{ inner_candidate_port }}
{% endif %}
export DEPLOY_KEEP={{ keep_releases }}
{% if server %}
export SSH_HOST="${SSH_HOST:-{{ server }}}"
{% endif %}
export SSH_USER="${SSH_USER:-deploy}"
export SSH_PORT="${SSH_PORT:-22}"
export DEPLOY_PATH="${DEPLOY_PATH:-/srv/{{ app_name }}}"
export HEALTHCHECK_URL="${HEALTHCHECK_URL:-{{ scheme }}://{{ host }}}"
export HEALTHCHECK_PATH="${HEALTHCHECK_PATH:-{{ health_path }}}"
export HEALTHCHECK_STATUS="${HEALTHCHECK_STATUS:-{{ health_status }}}"
