#!/bin/sh
# Judges the shipped models by showers that played no part in their training, of which the
# repository has no room for: shower shapes around 65 GeV, and all scores with the release gates.
# A quarter of an hour of two cores.
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

# judge NAME OPTIONS...: what `simulate` made, by shapes, scores and classifiers
judge() {
    name=$1
    shift
    samples="CaloCFM=$reports/${name}_calocfm.h5 CaloDiT-2=$reports/${name}_calodit_teacher.h5"
    samples="$samples one-step=$reports/${name}_calodit.h5"
    classified=
    for sample in $samples; do classified="$classified --classifier $sample"; done
    # shellcheck disable=SC2086
    calovox evaluate "$data/$name.h5" $samples --classifier-reference "$data/$name.h5" $classified \
        --force -o "$reports/$name" "$@"
}

simulate near_65 --e-hit 4MeV --cells
judge near_65

# showers whose centre is just beyond the trained |eta| are flagged, and left out of the report
simulate kept --e-hit 4MeV --cells --allow-extrapolation
judge kept --training "$data/train_optimal.h5" --gates "$here/../gates/release.toml"
