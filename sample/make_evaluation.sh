#!/bin/sh
# Judges the shipped models by showers that played no part in their training, of which the
# repository has no room for: shower shapes around 65 GeV, and all scores with the release gates.
# With --classifier, an hour of two cores.
# usage: sample/make_evaluation.sh FOLDER_OF_DATASETS FOLDER_OF_REPORTS
set -eu
data=$1
reports=$2
here=$(dirname "$0")
mkdir -p "$reports"

# simulate NAME OPTIONS...: the photons of a dataset by each model
simulate() {
    name=$1
    shift
    for model in calocfm calodit_teacher calodit; do
        calovox simulate --model $model --photons "$data/$name.h5" --seed 1 --force "$@" \
            -o "$reports/${name}_$model.h5"
    done
}

# of NAME: what `simulate` made
of() {
    echo "CaloCFM=$reports/$1_calocfm.h5 CaloDiT-2=$reports/$1_calodit_teacher.h5" \
        "one-step=$reports/$1_calodit.h5"
}

simulate near_65 --e-hit 4MeV --cells
# shellcheck disable=SC2046
calovox evaluate "$data/near_65.h5" $(of near_65) --force -o "$reports/near_65"

simulate kept --e-hit 4MeV --cells
classified=
for sample in $(of kept); do classified="$classified --classifier $sample"; done
# shellcheck disable=SC2046,SC2086
calovox evaluate "$data/kept.h5" $(of kept) --classifier-reference "$data/kept.h5" $classified \
    --training "$data/train_optimal.h5" --gates "$here/../gates/release.toml" --force \
    -o "$reports/kept"
