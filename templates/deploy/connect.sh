# Opens the way to the server: its key must be the one in $SSH_KNOWN_HOSTS, ours is $SSH_PRIVATE_KEY.
set -o pipefail
: "${SSH_HOST:?set it in Bitbucket: the address of the server}"
: "${SSH_USER:?set it in Bitbucket: the user that owns the releases on the server}"
: "${SSH_PORT:?set it in Bitbucket: the port of the SSH server}"
: "${DEPLOY_PATH:?set it in Bitbucket: the directory of the application on the server}"
: "${SSH_KNOWN_HOSTS:?set it in Bitbucket: the line that ssh-keyscan prints for the server, compared by a person}"
: "${SSH_PRIVATE_KEY:?set it in Bitbucket as a secured variable: base64 -w0 of the private key}"
ssh_dir=$(mktemp -d)
chmod 700 "$ssh_dir"
case $SSH_PRIVATE_KEY in
  *'PRIVATE KEY'*) printf '%s\n' "$SSH_PRIVATE_KEY" > "$ssh_dir/key" ;;
  *) printf '%s' "$SSH_PRIVATE_KEY" | base64 -d > "$ssh_dir/key" || true ;;
esac
chmod 600 "$ssh_dir/key"
printf '%s\n' "$SSH_KNOWN_HOSTS" > "$ssh_dir/known_hosts"
if ! ssh-keygen -y -P '' -f "$ssh_dir/key" > /dev/null 2>&1; then
  echo 'SSH_PRIVATE_KEY is not a private key without a passphrase. Store the output of: base64 -w0 < key' >&2
  exit 1
fi
on_server() {
  ssh -F none -i "$ssh_dir/key" -p "$SSH_PORT" -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=15 \
    -o ServerAliveInterval=15 -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$ssh_dir/known_hosts" \
    -o GlobalKnownHostsFile=/dev/null -- "$SSH_USER@$SSH_HOST" "$@"
}
# Each argument in single quotes, which every login shell reads alike.
quoted() {
  local argument
  for argument in "$@"; do
    printf "'%s' " "$(printf '%s' "$argument" | sed "s/'/'\\\\''/g")"
  done
}
# Runs the script on standard input on the server, with the settings of this environment.
bash_on_server() {
  on_server "$(quoted env "RELEASE=$RELEASE" "DEPLOY_PURPOSE=${DEPLOY_PURPOSE:-deploy}" \
    "DEPLOY_NAME=$DEPLOY_NAME" "DEPLOY_PORT=$DEPLOY_PORT" "DEPLOY_CANDIDATE_PORT=$DEPLOY_CANDIDATE_PORT" \
    "DEPLOY_SITE_PORT=$DEPLOY_SITE_PORT" "DEPLOY_HOST=$DEPLOY_HOST" "DEPLOY_PATH=$DEPLOY_PATH" \
{% if pages %}
    "DEPLOY_PAGES_PORT=$DEPLOY_PAGES_PORT" "DEPLOY_PAGES_CANDIDATE_PORT=$DEPLOY_PAGES_CANDIDATE_PORT" \
    "DEPLOY_INNER_PORT=$DEPLOY_INNER_PORT" "DEPLOY_INNER_CANDIDATE_PORT=$DEPLOY_INNER_CANDIDATE_PORT" \
{% endif %}
    "DEPLOY_KEEP=$DEPLOY_KEEP" "HEALTHCHECK_URL=$HEALTHCHECK_URL" "HEALTHCHECK_PATH=$HEALTHCHECK_PATH" \
    "HEALTHCHECK_STATUS=$HEALTHCHECK_STATUS" bash -s)"
}
