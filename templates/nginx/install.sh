#!/bin/bash
# Installs the nginx file of the live release, as root, for the unit of the same name. What a deployment brings is not
# trusted: one directive a line, of those below, about this site's name and files alone.
set -euo pipefail
umask 022
nginx_dir=/etc/nginx
target=$(readlink -m /etc/nginx/sites-enabled/{{ host }}.conf)
state=/var/lib/{{ app_name }}-site
brought={{ deploy_path }}/current/.site.conf

tell() {
  local digest=none
  [ ! -e "$target" ] || digest=$(sha256sum < "$target")
  { [ -z "${2:-}" ] || printf '%s\n' "$2"; printf 'nginx %s sha256 %s %s\n' {{ host }} "${digest%% *}" "$1"; } > "$state/result.new"
  mv -f "$state/result.new" "$state/result"
}

refuse() {
  tell refused "$1"
  exit 1
}

# Prints what is wrong with a file, by its line: not the line itself, which may be anything that root can read.
faults() {
  awk -v host={{ host }} -v place={{ deploy_path }}/ -v acme={{ acme_root }} '
    BEGIN {
      words = "add_header alias client_body_timeout client_header_timeout client_max_body_size default default_type deny"
      words = words " gzip gzip_comp_level gzip_min_length gzip_proxied gzip_types gzip_vary http2 index keepalive listen"
      words = words " location map proxy_buffering proxy_connect_timeout proxy_http_version proxy_next_upstream proxy_pass"
      words = words " proxy_read_timeout proxy_send_timeout proxy_set_header return root send_timeout server server_name"
      words = words " server_tokens ssl_certificate ssl_certificate_key ssl_ciphers ssl_ecdh_curve"
      words = words " ssl_prefer_server_ciphers ssl_protocols ssl_session_cache ssl_session_tickets ssl_session_timeout"
      words = words " try_files upstream q"
      count = split(words, list, " ")
      for (i = 1; i <= count; i++) known[list[i]] = 1
    }
    /^[ \t]*$/ || /^[ \t]*}$/ { next }
    {
      line = $0
      if (line ~ /\\["\\ ;{}]/ || line !~ /[;{]$/) { print "line " NR " is not one directive"; next }
      gsub(/(^|[ \t])"[^"]*"/, " q", line)
      gsub(/(^|[ \t])\047\047/, " q", line)
      body = substr(line, 1, length(line) - 1)
      if (body ~ /[;{}#"\047]/) { print "line " NR " is not one directive"; next }
      split(body, part, " ")
      if (!(part[1] in known)) { print "line " NR " holds a directive that deployments may not set"; next }
      own = part[2] ~ /\.\./ ? 0 : 1
      if (part[1] == "root" || part[1] == "alias") own = own && (index(part[2], place) == 1 || part[2] == acme)
      if (part[1] ~ /^ssl_certificate/) own = own && index(part[2], "/etc/letsencrypt/live/" host "/") == 1
      if (part[1] == "proxy_pass") own = part[2] ~ /^http:\/\/([a-z0-9_]+|127\.0\.0\.1:[0-9]+)$/
      if (part[1] == "server_name") own = part[2] == host && part[3] == ""
      if (!own) print "line " NR " speaks of another site or of files that are not its own"
    }' "$1" | head -n 5
}

# The whole configuration with the new file in place of the old one, before anything is changed.
passes() {
  local others=$work/sites site
  mkdir "$others"
  for site in /etc/nginx/sites-enabled/*; do
    [ "$(readlink -m "$site")" = "$target" ] || cp -L "$site" "$others/"
  done
  cp "$1" "$others/{{ host }}.conf"
  # Beside nginx.conf, whose own includes may be relative.
  sed "s#/etc/nginx/sites-enabled/#$others/#" "$nginx_dir/nginx.conf" > "$check"
  nginx -t -c "$check" > "$work/said" 2>&1
}

main() {
  local found
  mkdir -p "$state"
  work=$(mktemp -d)
  check=$(mktemp "$nginx_dir/.check-XXXXXX")
  trap 'rm -rf "${work:?}" "$check"' EXIT
  if [ -e "$brought" ]; then
    head -c 1000000 "$brought" > "$work/new"
    found=$(faults "$work/new")
    [ -z "$found" ] || refuse "$found"
  elif [ -e "$state/before" ]; then
    cp "$state/before" "$work/new"
  else
    tell unmanaged
    return
  fi
  if cmp -s "$work/new" "$target"; then
    cp "$work/new" "$state/ours"
    tell unchanged
    return
  fi
  if [ -e "$state/ours" ] && [ -e "$target" ] && ! cmp -s "$state/ours" "$target"; then
    tell edited "the file was edited on the server and stays; remove $state/ours to let deployments replace it"
    return
  fi
  passes "$work/new" || refuse "nginx does not take it: $(sed "s#$work/sites/##" "$work/said" | head -n 3)"
  [ ! -e "$target" ] || [ -e "$state/before" ] || cp "$target" "$state/before"
  [ ! -e "$target" ] || cp "$target" "$work/last"
  cp "$work/new" "${target%/*}/.{{ host }}.new"
  mv -Tf "${target%/*}/.{{ host }}.new" "$target"
  if ! nginx -c "$nginx_dir/nginx.conf" -s reload > "$work/said" 2>&1; then
    if [ -e "$work/last" ]; then cp "$work/last" "$target"; else rm -f "$target"; fi
    refuse "nginx was not reloaded: $(head -n 3 "$work/said")"
  fi
  cp "$work/new" "$state/ours"
  tell installed
}

main
