# Reads KEY=VALUE lines as systemd does: one pair of quotes is taken off, nothing is expanded.
load_variables() {
  local file line name value
  for file in "$DEPLOY_PATH/shared/.env" "$DEPLOY_PATH/shared/.env.pipeline"; do
    [ -r "$file" ] || continue
    while IFS= read -r line || [ -n "$line" ]; do
      name=${line%%=*}
      value=${line#*=}
      [[ $line == *=* && $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || continue
      case $value in
        \"*\") value=$(printf '%s' "${value:1:-1}" | sed 's/\\\([\\"$`]\)/\1/g') ;;
        \'*\') value=${value:1:-1} ;;
      esac
      export "$name=$value"
    done < "$file"
  done
}
