#!/bin/bash
# Starts this release; the service and the candidate both do it so. first: the port to listen on
set -euo pipefail
cd -P -- "${0%/*}"
DEPLOY_PATH=${PWD%/releases/*}

{% include "deploy/variables.sh" %}

load_variables
RELEASE=$(cat REVISION)
PORT=$1
cd {{ app_dir | shell }}
export RELEASE PORT {{ start_environment }}
exec {{ start_command }}
