#!/bin/sh
# Trains the shipped models with the datasets of make_training.sh and exports them: four hours on
# two cores that nothing else needs. Stopped at any moment, the same command continues.
# FastCaloSimV2 is fitted to the hits from which these datasets are made: two minutes.
# usage: sample/make_models.sh FOLDER_OF_DATASETS FOLDER_OF_RUNS FOLDER_OF_MAKE_TRAINING_HITS \
#     FOLDER_OF_MAKE_HITS
set -eu
data=$1
runs=$2
hits=$3
others=$4
here=$(dirname "$0")
shipped=$here/../src/calovox/shipped

# range NAME ETA: CaloINN, CaloCFM and CaloDiT-2 of one range of |eta|, up to 2^19 MeV; then further
range() {
    showers="--data $data/train_optimal.h5 --validation $data/val_optimal.h5"
    limits="--eta $2 --energy 256MeV:524.288GeV"
    # shellcheck disable=SC2086
    calovox train inn --config "$here/../configs/inn_2core.toml" $showers $limits \
        --batch-size 512 --steps 8000 -o "$runs/inn_$1"
    # shellcheck disable=SC2086
    calovox train cfm --config "$here/../configs/cfm_small_2core.toml" $showers $limits \
        --batch-size 512 --steps 16000 -o "$runs/cfm_$1"
    # shellcheck disable=SC2086
    calovox train dit --config "$here/../configs/dit_2core.toml" $showers $limits \
        --steps 20000 --seed 11 -o "$runs/dit_$1"
    # shellcheck disable=SC2086
    further "$1" "$2"
}

# further NAME ETA: the same networks carried on to 2^21 MeV, and the student. Of the few showers
# above 2^19 MeV, each counts three times
further() {
    top="--data $data/train_top.h5"
    near="--data $data/train_transition.h5"
    showers="--data $data/train_optimal.h5 $top $top $top"
    showers="$showers --validation $data/val_optimal.h5 --validation $data/val_top.h5"
    limits="--eta $2 --energy 256MeV:2.097152TeV --rising 0.1 --seed 41"
    # shellcheck disable=SC2086
    calovox train inn --config "$here/../configs/inn_2core.toml" $showers $near $near $near $limits \
        --max-learning-rate 3e-4 --pretrained "$runs/inn_$1" --batch-size 512 --steps 2500 \
        -o "$runs/top_inn_$1"
    # shellcheck disable=SC2086
    calovox train cfm --config "$here/../configs/cfm_small_2core.toml" $showers $limits \
        --max-learning-rate 5e-4 --pretrained "$runs/cfm_$1" --batch-size 512 --steps 4000 \
        -o "$runs/top_cfm_$1"
    # shellcheck disable=SC2086
    calovox train dit --config "$here/../configs/dit_2core.toml" $showers $limits \
        --max-learning-rate 5e-4 --pretrained "$runs/dit_$1" --steps 10000 -o "$runs/top_dit_$1"
    # shellcheck disable=SC2086
    calovox distill "$runs/top_dit_$1" --config "$here/../configs/distill_2core.toml" $showers \
        --steps 2500 -o "$runs/top_student_$1"
}

# export_pairs NAME SHAPES: one shipped folder
export_pairs() {
    name=$1
    shapes=$2
    calovox export "$runs/top_inn_low" "$runs/top_${shapes}_low" \
        "$runs/top_inn_high" "$runs/top_${shapes}_high" \
        --sub-voxels "$data/sub_voxels_optimal.root" --phi-modulation "$here/phi_curve.h5" \
        --centers "$here/centers.json" --no-fastcalosim --half-weights --force \
        -o "$shipped/$name"
}

calovox train parametric "$hits"/train_[89]_*.h5 "$hits"/train_1?_*.h5 "$others/scan.h5" "$others/phi_fit.h5" \
    "$others/tune_transition.h5" --energy 256MeV:524.288GeV --force -o "$runs/parametrisation.h5"
mkdir -p "$shipped/fastcalosimv2"
cp "$runs/parametrisation.h5" "$shipped/fastcalosimv2/"

range low 0:0.7 &
range high 0.7:1.35
wait
export_pairs calocfm cfm
export_pairs calodit student
export_pairs calodit_teacher dit
