#!/bin/sh
# Trains CaloFast with showers of the shipped calodit, on one core, and exports it into the package.
# Stopped at any moment, the same command continues.
# usage: sample/make_fast.sh FOLDER SUB_VOXELS
# FOLDER gets the showers and the run; SUB_VOXELS is sub_voxels_optimal.root of make_training.sh.
set -eu
here=$(dirname "$0")
folder=$1
sub_voxels=$2
mkdir -p "$folder"

# simulate NAME NUMBER FIRST: showers of one run, about their photons, without cells
simulate() {
    [ -e "$folder/$1.h5" ] || calovox simulate --model calodit --energy log:256MeV:2.097152TeV \
        --eta abs:0:1.35 --seed 910001 -n "$2" --first-event "$3" --center photon --no-cells \
        -o "$folder/$1.h5"
}

simulate train_fast 400000 0
simulate val_fast 10000 400000
[ -e "$folder/fast/run.json" ] && python3 -c '
import json, sys
run = json.load(open(sys.argv[1]))
sys.exit(run["step"] < run["n_steps"])' "$folder/fast/run.json" ||
    calovox train fast --config "$here/../configs/fast_2core.toml" --data "$folder/train_fast.h5" \
        --validation "$folder/val_fast.h5" -o "$folder/fast"
calovox export "$folder/fast" --sub-voxels "$sub_voxels" --phi-modulation "$here/phi_curve.h5" \
    --centers "$here/centers.json" --no-fastcalosim --half-weights --force \
    -o "$here/../src/calovox/shipped/calofast"
