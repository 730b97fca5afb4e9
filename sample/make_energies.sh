#!/bin/sh
# Trains CaloINN with late showers of 131 GeV to 2.1 TeV around |eta| = 0.8, and lets the shipped
# models of two stages draw their layer energies with it: two hours of a core, most of it Geant4.
# Stopped at any moment, the same command continues.
# usage: sample/make_energies.sh FOLDER FOLDER_OF_MAKE_TRAINING_HITS
# Of the hits of make_training_hits.sh, some below 16 GeV are taken. Above 131 GeV where there are no
# late showers, and at first everywhere, CaloINN learns from showers of the shipped calodit.
set -eu
here=$(dirname "$0")
. "$here/is_finished.sh"
folder=$1
hits=$2
shipped=$here/../src/calovox/shipped
all="--energy 256MeV:2.097152TeV"
mkdir -p "$folder"

generate() {
    name=$1
    shift
    [ -e "$folder/$name.h5" ] || calovox geant4 "$@" --precision-bits 10 -o "$folder/$name.h5"
}

# simulate NAME ENERGIES ETAS OPTIONS...: showers of calodit about their photons, without cells
simulate() {
    name=$1
    energy=$2
    eta=$3
    shift 3
    [ -e "$folder/$name.h5" ] || calovox simulate --model calodit --energy "log:$energy" \
        --eta "abs:$eta" --center photon --no-cells "$@" -o "$folder/$name.h5"
}

# voxelize NAME HITS...: voxels without phi modulation
voxelize() {
    name=$1
    shift
    [ -e "$folder/$name.h5" ] || calovox voxelize "$@" --phi-modulation "$here/phi_curve.h5" \
        --no-cells -o "$folder/$name.h5"
}

# train NAME ETAS STEPS OPTIONS...
train() {
    name=$1
    eta=$2
    steps=$3
    shift 3
    # shellcheck disable=SC2086
    is_finished "$folder/$name" || calovox train inn --config "$here/../configs/inn_2core.toml" $all \
        --validation "$folder/validation.h5" --batch-size 512 --eta "$eta" --steps "$steps" "$@" \
        -o "$folder/$name"
}

generate middle --energy log:16.384GeV:131.072GeV --eta abs:0:1.35 -n 4000 --seed 1002 \
    --first-event 10100000
generate edge --energy log:131.072GeV:2.097152TeV --eta abs:0.7:0.9 -n 300 --seed 1001 \
    --first-event 10000000
# photons that start behind the presampler, and in front of it
late() {
    generate "$1" --energy log:131.072GeV:2.097152TeV --eta abs:0.7:0.81 --start-radius "$2" \
        --start-share "$3" -n "$4" --seed "$5" --first-event "$6"
}

for k in 0 1 2; do late late_$k 1500mm 0.75 60 $((1131 + k)) $((20400000 + k * 100)); done
late late_3 1500mm 0.4 60 1134 20400300
for k in 0 1; do late start_$k 1350mm 0.75 40 $((1151 + k)) $((20410000 + k * 100)); done
voxelize late "$folder"/late_?.h5 "$folder"/start_?.h5
voxelize low "$hits"/train_[89]_[01].h5 "$hits"/train_1[01]_[01].h5 "$hits"/train_1[23]_0.h5
voxelize middle_voxels "$folder/middle.h5"
voxelize edge_voxels "$folder/edge.h5"
voxelize validation "$hits"/val_[89]_0.h5 "$hits"/val_1[0-3]_0.h5

simulate first 256MeV:2.097152TeV 0:1.35 --seed 910001 --first-event 2000000 -n 60000
simulate self_low 131.072GeV:2.097152TeV 0:0.7 --seed 910007 -n 10000
simulate self_high 131.072GeV:2.097152TeV 0.81:1.35 --seed 910007 -n 10000

showers="--data $folder/low.h5 --data $folder/middle_voxels.h5"
further="--max-learning-rate 3e-4 --rising 0.1"
late="--data $folder/late.h5"
edge="--data $folder/edge_voxels.h5"
thrice="$late $late $late"
# shellcheck disable=SC2086
{
    train first_low 0:0.7 6000 --data "$folder/first.h5"
    train low 0:0.7 3000 $showers --data "$folder/self_low.h5" --pretrained "$folder/first_low" \
        $further
    # around 0.8 there are few showers above 131 GeV: each counts several times
    train first_high 0.7:1.35 6000 --data "$folder/first.h5"
    train second_high 0.7:1.35 4500 $showers $thrice $thrice $edge $edge $edge \
        --data "$folder/self_high.h5" --pretrained "$folder/first_high" $further
    train high 0.7:1.35 3000 $showers $thrice $thrice $thrice $late $edge \
        --data "$folder/self_high.h5" --pretrained "$folder/second_high" $further
}
for model in calocfm calodit_teacher calodit; do
    calovox export "$shipped/$model" --energies "$folder/low" --energies "$folder/high" \
        --no-fastcalosim -o "$folder/$model"
    rm -rf "${shipped:?}/$model"
    mv "$folder/$model" "$shipped/$model"
done
