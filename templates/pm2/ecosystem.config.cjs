'use strict';

const fs = require('node:fs');
const path = require('node:path');

// node resolves the link `current` in __dirname, so two levels up is the deployment path.
const deployPath = path.resolve(__dirname, '../..');
const live = path.join(deployPath, 'current');

// KEY=VALUE lines as systemd reads them: one pair of quotes is taken off, nothing is expanded.
function variables(name) {
  const file = path.join(deployPath, 'shared', name);
  if (!fs.existsSync(file)) return {};
  const found = {};
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (!match) continue;
    const [, key, value] = match;
    if (/^".*"$/.test(value)) found[key] = value.slice(1, -1).replace(/\\([\\"$`])/g, '$1');
    else if (/^'.*'$/.test(value)) found[key] = value.slice(1, -1);
    else found[key] = value;
  }
  return found;
}

const program = {{ program }};

module.exports = {
  apps: [
    {
      name: process.env.DEPLOY_NAME{{ " + '-pages'" if answers_as == "pages" }},
      // The link, not the release: PM2 resolves it again at each reload.
      cwd: path.join(live, '{{ app_dir }}'),
      ...program,
      listen_timeout: 10000,
      kill_timeout: 10000,
      max_restarts: 10,
      env: {
        NODE_ENV: 'production',
{% if answers_as == "pages" %}
        // Where pages that are rendered on the server find the application.
        BACKEND_URL: `http://127.0.0.1:${process.env.DEPLOY_INNER_PORT}`,
{% endif %}
        ...variables('.env'),
        ...variables('.env.pipeline'),
        PORT: process.env.{{ "DEPLOY_PAGES_PORT" if answers_as == "pages" else "DEPLOY_PORT" }},
        HOSTNAME: '127.0.0.1',
        RELEASE: fs.readFileSync(path.join(live, 'REVISION'), 'utf8').trim(),
      },
    },
  ],
};
