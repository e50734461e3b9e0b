# The server pulls with the same account; the password goes over standard input.
: "${REGISTRY_HOST:?set it in Bitbucket: the host of the image registry}"
: "${REGISTRY_USER:?set it in Bitbucket: the account that pulls}"
: "${REGISTRY_PASSWORD:?set it in Bitbucket as a secured variable: the token of that account}"
printf '%s' "$REGISTRY_PASSWORD" | on_server "$(quoted docker login "$REGISTRY_HOST" --username "$REGISTRY_USER" --password-stdin)"
