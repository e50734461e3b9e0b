{% include "deploy/write-start.sh" %}

install_program() {
  write_start
  chmod 755 {{ app_dir | shell }}/server
}
