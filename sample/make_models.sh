#!/bin/sh
# Trains the shipped models with the datasets of make_training.sh and exports them: 40 minutes on
# two cores that nothing else needs. Stopped at any moment, the same command continues.
# usage: sample/make_models.sh FOLDER_OF_DATASETS FOLDER_OF_RUNS
set -eu
data=$1
runs=$2
here=$(dirname "$0")
model=$here/../src/calovox/shipped/calocfm

# pair NAME ETA: CaloINN and CaloCFM of one range of |eta|
pair() {
    showers="--data $data/train_optimal.h5 --validation $data/val_optimal.h5 --batch-size 512"
    range="--eta $2 --energy 256MeV:524.288GeV"
    # shellcheck disable=SC2086
    calovox train inn --config "$here/../configs/inn_2core.toml" $showers $range \
        --steps 8000 -o "$runs/inn_$1"
    # shellcheck disable=SC2086
    calovox train cfm --config "$here/../configs/cfm_small_2core.toml" $showers $range \
        --steps 16000 -o "$runs/cfm_$1"
}

pair low 0:0.7 &
pair high 0.7:1.35
wait
calovox export "$runs/inn_low" "$runs/cfm_low" "$runs/inn_high" "$runs/cfm_high" \
    --sub-voxels "$data/sub_voxels_optimal.root" --phi-modulation "$here/phi_curve.h5" \
    --solver-steps 2 --no-fastcalosim --force -o "$model"
