#!/bin/sh
# Finds the grid compact, grids/compact.toml, with its path and figure, and makes its patterns.
# usage: sample/make_compact.sh FOLDER [WORKERS]
# FOLDER has the hits of sample/make_patterns.sh; more tuning showers come to them, with seeds 651
# and 612: half an hour of a core. Stopped at any moment, the same command continues.
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
generate donors_19 --energy log:370728MeV:741455MeV -n 30 --seed 612 --first-event 6190000

calovox grid "$folder"/donors_1[0-7].h5 "$folder/tune_16.h5" \
    --phi-modulation "$here/phi_curve.h5" --start "$here/../grids/compact_start.toml" \
    --voxels 128 --compare optimal --compare regular \
    --compare "$here/../grids/fastcalogan.toml" --compare "$here/../grids/coarse.toml" \
    -o "$folder/compact.toml"
cp "$folder/compact.toml" "$here/../grids/compact.toml"
cp "$folder/compact.toml" "$here/../src/calovox/shipped/grids/compact.toml"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
calovox voxelize "$folder"/donors_*.h5 "$folder/tune_16.h5" --grid "$folder/compact.toml" \
    --phi-modulation "$here/phi_curve.h5" --no-cells --force \
    --patterns "$here/../src/calovox/shipped/patterns/compact.h5" -o "$scratch/donors.h5"
