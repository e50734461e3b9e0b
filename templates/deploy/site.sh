# The nginx file of this release; a server with the unit for it installs it when the release goes live.
# shellcheck disable=SC2016
on_server "$(quoted bash -c 'set -eu; umask 022; cat > "$1.new"; mv -f "$1.new" "$1"' send "$DEPLOY_PATH/releases/$RELEASE/.site.conf")" <<'SITE'
{{ text }}SITE
