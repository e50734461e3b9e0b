{% include "deploy/variables.sh" %}

{% include "deploy/write-start.sh" %}

# The virtual environment belongs to the release: it does not move, and goes away with it.
install_python() (
  write_start
  load_variables
  cd -- {{ app_dir | shell }}
  python=$(command -v python{{ python }} || command -v python3)
  "$python" -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-index --find-links wheelhouse -r requirements.release.txt
  rm -rf wheelhouse
{% if django %}
  .venv/bin/python manage.py check --deploy
  # Before the switch: the live release must bear the new schema, and a rollback does not undo it.
  .venv/bin/python manage.py migrate --noinput
  static_root=$(.venv/bin/python manage.py shell --verbosity 0 -c 'from django.conf import settings; print(settings.STATIC_ROOT or "")' | tail -n 1)
  mkdir -p site
  if [ -n "$static_root" ]; then
    .venv/bin/python manage.py collectstatic --noinput
    ln -sfn "$static_root" site/static
  fi
{% endif %}
)
