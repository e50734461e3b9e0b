# Files need no process: the candidate is what nginx serves on its loopback port.
start_candidate() { :; }
candidate_decided() { :; }
candidate_answers() { :; }
stop_candidate() { :; }
serve() { :; }
runs_release() { [ "$(live_release)" = "$1" ]; }
forget() { :; }
