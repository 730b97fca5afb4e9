#!/bin/sh
# Generates the hits from which the shipped sample is made: about 80 core-minutes.
# usage: sample/make_hits.sh FOLDER [WORKERS]
# Stopped at any moment, the same command continues. Seeds 101 to 199 belong to this sample.
set -eu
folder=$1
workers=${2:-2}
mkdir -p "$folder"

generate() {
    name=$1
    shift
    [ -e "$folder/$name.h5" ] || calovox geant4 "$@" --workers "$workers" -o "$folder/$name.h5"
}

# average showers at the lower energies: all |eta|, 2^8 to 2^16 MeV
generate scan --energy log:256MeV:65.536GeV --eta abs:0:1.35 -n 4000 --seed 101
# Figures 13 to 15: 3/4 to 3/2 of 65 GeV; a little wider in eta than the bins of the shower centre
near_65="--energy log:48.75GeV:97.5GeV"
generate transition $near_65 --eta abs:0.748:0.802 -n 560 --seed 102 --first-event 10000
generate gap $near_65 --eta abs:0:0.052 -n 540 --seed 103 --first-event 20000
generate central $near_65 --eta abs:0.198:0.252 -n 2200 --seed 104 --first-event 30000
# Figure 12
generate eta $near_65 --eta abs:0:1.35 -n 1000 --seed 108 --first-event 70000
# showers that are shipped with all their hits: enough for the tutorial
generate hits --energy 10GeV --eta abs:0.2:0.25 -n 40 --seed 107 --first-event 60000 \
    --precision-bits 10
# phi modulation: showers to fit (105) and to test (106)
generate phi_fit --energy log:130GeV:524.288GeV --eta abs:0:1.35 -n 200 --seed 105 \
    --first-event 40000
generate phi_test --energy 524.288GeV --eta abs:0.198:0.252 -n 160 --seed 106 --first-event 50000
# the mean energy of a hit near |eta| = 0.8: other showers than those of the figures
generate tune_transition $near_65 --eta abs:0.748:0.802 -n 600 --seed 121 --first-event 80000
