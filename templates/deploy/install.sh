# Makes the release ready to run, in its own directory; nothing that is live changes.
bash_on_server <<'REMOTE'
{% include "deploy/remote.sh" %}

{% include "deploy/install-" ~ install ~ ".sh" %}

main() {
  cd -P -- "$DEPLOY_PATH/releases/$RELEASE"
  if [ -e .complete ]; then
    say "Release $RELEASE was made ready before"
    return
  fi
  install_release
  touch .complete
}

main < /dev/null
REMOTE
