#!/bin/sh
# Finds the grid compact, grids/compact.toml, with its path and figure: FOLDER/compact.json, .png.
# usage: sample/make_compact.sh FOLDER [WORKERS]
# FOLDER has the hits of sample/make_patterns.sh; 200 tuning showers come to them, with seed 651:
# twenty minutes of a core. Stopped at any moment, the same command continues.
set -eu
here=$(dirname "$0")
folder=$1
workers=${2:-1}

generate() {
    name=$1
    shift
    [ -e "$folder/$name.h5" ] || calovox geant4 "$@" --eta abs:0:1.35 --workers "$workers" \
        -o "$folder/$name.h5"
}

generate tune_16 --energy log:46341MeV:92682MeV -n 200 --seed 651 --first-event 6600000
calovox grid "$folder"/donors_1[0-7].h5 "$folder/tune_16.h5" \
    --phi-modulation "$here/phi_curve.h5" --start "$here/../grids/compact_start.toml" \
    --voxels 126 --compare optimal --compare regular \
    --compare "$here/../grids/fastcalogan.toml" --compare "$here/../grids/coarse.toml" \
    -o "$folder/compact.toml"
cp "$folder/compact.toml" "$here/../grids/compact.toml"
cp "$folder/compact.toml" "$here/../src/calovox/shipped/grids/compact.toml"
