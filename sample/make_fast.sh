#!/bin/sh
# Trains CaloFast with showers of the shipped calodit and of Geant4, and exports it into the package:
# two hours of a core and, for Geant4, two more. Stopped at any moment, the same command continues.
# usage: sample/make_fast.sh FOLDER FOLDER_OF_MAKE_PATTERNS SUB_VOXELS
# FOLDER gets showers and runs; SUB_VOXELS is sub_voxels_optimal.root of make_training.sh.
set -eu
here=$(dirname "$0")
folder=$1
donors=$2
sub_voxels=$3
mkdir -p "$folder"

# simulate NAME NUMBER FIRST: showers of one run, about their photons, without cells
simulate() {
    [ -e "$folder/$1.h5" ] || calovox simulate --model calodit --energy log:256MeV:2.097152TeV \
        --eta abs:0:1.35 --seed 910001 -n "$2" --first-event "$3" --center photon --no-cells \
        -o "$folder/$1.h5"
}

# generate NAME ENERGIES ETAS SHOWERS SEED FIRST: showers of Geant4 that no figure is judged by
generate() {
    [ -e "$folder/$1.h5" ] || calovox geant4 --energy "log:$2" --eta "abs:$3" -n "$4" --seed "$5" \
        --first-event "$6" -o "$folder/$1.h5"
}

# is_finished RUN: whether all of its steps have been done
is_finished() {
    [ -e "$folder/$1/run.json" ] && python3 -c '
import json, sys
run = json.load(open(sys.argv[1]))
sys.exit(run["step"] < run["n_steps"])' "$folder/$1/run.json"
}

# train NAME CONFIG OPTIONS...: one part of the training
train() {
    name=$1
    config=$2
    shift 2
    is_finished "$name" || calovox train fast --config "$here/../configs/$config.toml" \
        --validation "$folder/validation.h5" "$@" -o "$folder/$name"
}

simulate simulated 400000 0
simulate validation 10000 400000
simulate more 1000000 500000
generate low_0 256MeV:2.048GeV 0:1.35 3000 1121 20200000
generate low_1 2.048GeV:16.384GeV 0:1.35 1000 1122 20210000
generate low_2 256MeV:4GeV 0:1.35 8000 1123 20220000
generate middle 16.384GeV:131.072GeV 0:1.35 4000 1002 10100000
generate edge 131.072GeV:2.097152TeV 0.7:0.9 300 1001 10000000
[ -e "$folder/geant4.h5" ] || calovox voxelize "$folder"/low_?.h5 "$folder/middle.h5" \
    "$folder/edge.h5" "$donors"/donors_*.h5 --phi-modulation "$here/phi_curve.h5" --no-cells \
    -o "$folder/geant4.h5"

both="--data $folder/simulated.h5 --data $folder/more.h5"
train first fast_2core --data "$folder/simulated.h5"
# shellcheck disable=SC2086
train second fast_2core $both --pretrained "$folder/first" --max-learning-rate 8e-4 --steps 12000
# shellcheck disable=SC2086
train corrected fast_geant4_2core $both --pretrained "$folder/second" --geant4 "$folder/geant4.h5"
calovox export "$folder/corrected" --sub-voxels "$sub_voxels" --phi-modulation "$here/phi_curve.h5" \
    --centers "$here/centers.json" --no-fastcalosim --half-weights --force \
    -o "$here/../src/calovox/shipped/calofast"
