#!/bin/sh
# Trains CaloFast with showers of the shipped calodit and of Geant4, and exports it into the package:
# three hours of a core. Stopped at any moment, the same command continues.
# usage: sample/make_fast.sh FOLDER FOLDER_OF_MAKE_ENERGIES SUB_VOXELS
# FOLDER gets showers and runs; SUB_VOXELS is sub_voxels_optimal.root of make_training.sh.
# The shipped run has no `first` and `second` of its own. It went on from the weights of runs with showers
# of earlier calodits, 5000 steps and 7500 with the critic, and has seen 400 000 showers of today's:
# 6000 steps with the critic, and then 5000 at twice the learning rate.
set -eu
here=$(dirname "$0")
. "$here/is_finished.sh"
folder=$1
geant4=$2
sub_voxels=$3
mkdir -p "$folder"

# simulate NAME NUMBER FIRST: showers of one run, about their photons, without cells
simulate() {
    [ -e "$folder/$1.h5" ] || calovox simulate --model calodit --energy log:256MeV:2.097152TeV \
        --eta abs:0:1.35 --seed 910001 -n "$2" --first-event "$3" --center photon --no-cells \
        -o "$folder/$1.h5"
}

# train NAME CONFIG OPTIONS...: one part of the training
train() {
    name=$1
    config=$2
    shift 2
    is_finished "$folder/$name" || calovox train fast --config "$here/../configs/$config.toml" \
        --energy 256MeV:2.097152TeV \
        --validation "$folder/validation.h5" "$@" -o "$folder/$name"
}

simulate simulated 400000 0
simulate validation 10000 400000
simulate more 1000000 500000
real=
for name in low middle_voxels edge_voxels late; do real="$real --geant4 $geant4/$name.h5"; done
both="--data $folder/simulated.h5 --data $folder/more.h5"
train first fast_2core --data "$folder/simulated.h5"
# shellcheck disable=SC2086
train second fast_2core $both --pretrained "$folder/first" --max-learning-rate 8e-4 --steps 12000
# shellcheck disable=SC2086
train critic fast_critic_2core $both --pretrained "$folder/second" $real
# shellcheck disable=SC2086
train corrected fast_critic_2core $both --pretrained "$folder/critic" $real \
    --max-learning-rate 6e-5 --steps 5000
calovox export "$folder/corrected" --sub-voxels "$sub_voxels" --phi-modulation "$here/phi_curve.h5" \
    --centers "$here/centers.json" --no-fastcalosim --force \
    -o "$here/../src/calovox/shipped/calofast"
