check_site() {
  [ -f {{ site_dir | shell }}/index.html ] && return
  say 'the build has left no index.html: look at the output directory of the build step' >&2
  return 1
}

# A tab opened before this deployment still asks for the files of the release that it came from.
carry_assets() {
  local old=../../current/{{ site_dir | shell }} file
  [ -d "$old" ] || return 0
  (cd "$old" && find . -type f -mtime -14 \( {{ carry }} \) -print0) |
    while IFS= read -r -d '' file; do
      [ -e {{ site_dir | shell }}/"$file" ] && continue
      mkdir -p {{ site_dir | shell }}/"${file%/*}"
      cp -p "$old/$file" {{ site_dir | shell }}/"$file"
    done
}
