{% if names %}
# Sends the application's variables to the server, over standard input, never on a command line.
# They go to shared/.env.pipeline; shared/.env stays for what is written there by hand.
{% if docker %}
one_line() {
  printf '%s=%s\n' "$1" "$2"
}
{% else %}
one_line() {
  local value=$2
  value=${value//\\/\\\\}
  value=${value//\"/\\\"}
  value=${value//\$/\\\$}
  value=${value//\`/\\\`}
  printf '%s="%s"\n' "$1" "$value"
}
{% endif %}
application_variables() {
  local name
  for name in {{ names | join(" ") }}; do
    if [ -z "${!name+set}" ]; then
      echo "$name is not set: add it to the variables of the repository or of this deployment environment" >&2
      return 1
    fi
    case ${!name} in
      *$'\n'*)
        echo "$name has more than one line: store it as base64" >&2
        return 1
        ;;
    esac
    one_line "$name" "${!name}"
  done
}
variables_file=$(mktemp)
application_variables > "$variables_file"
# shellcheck disable=SC2016
on_server "$(quoted bash -c 'set -eu; umask 077; mkdir -p "$1"; cat > "$1/.env.pipeline.new"; mv "$1/.env.pipeline.new" "$1/.env.pipeline"' \
  send "$DEPLOY_PATH/shared")" < "$variables_file"
rm -f "$variables_file"
{% else %}
# No variable of the application comes from Bitbucket: what an earlier pipeline sent is taken away.
on_server "$(quoted rm -f "$DEPLOY_PATH/shared/.env.pipeline")"
{% endif %}
