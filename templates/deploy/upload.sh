# Sends the release, unless a run with this number has already brought it there complete.
# shellcheck disable=SC2016
release_is_there='if [ -e "$1/.complete" ]; then echo complete; else echo missing; fi'
there=$(on_server "$(quoted bash -c "$release_is_there" look "$DEPLOY_PATH/releases/$RELEASE")")
if [ "$there" = missing ]; then
  # shellcheck disable=SC2016
  unpack='set -eu; umask 022; rm -rf "${1:?}"; mkdir -p "$1"; tar -xzf - --no-same-owner -C "$1"; printf "%s\n" "$2" > "$1/REVISION"'
  on_server "$(quoted bash -c "$unpack" unpack "$DEPLOY_PATH/releases/$RELEASE" "$RELEASE")" < release.tar.gz
fi
echo "Release $RELEASE is on the server"
