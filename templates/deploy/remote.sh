set -euo pipefail
umask 022
PATH="$PATH:$HOME/.local/bin:/usr/local/bin:/usr/bin:/bin"

say() { printf '%s\n' "$*"; }
