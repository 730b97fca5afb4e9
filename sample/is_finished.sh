#!/bin/sh
# For the scripts of this folder: tells whether a training needs to go on.

# is_finished RUN: whether all of its steps have been done
is_finished() {
    [ -e "$1/run.json" ] && python3 -c '
import json, sys
run = json.load(open(sys.argv[1]))
sys.exit(run["step"] < run["n_steps"])' "$1/run.json"
}
