#!/bin/sh
# Generates the hits that the shipped patterns are taken from, and those that placement by patterns
# is judged by: two and a half hours of a core. Then it makes the library of the package,
# src/calovox/shipped/patterns.
# usage: sample/make_patterns.sh FOLDER [WORKERS]
# Stopped at any moment, the same command continues. Seeds 601 to 614 and 254 to 259 belong to the
# patterns (those of the latter trained models, too), 641 to 643 to the showers that they are judged
# by; event indices are distinct from those of all others.
# The ratio of the step of EMB3 was fitted to other showers near |eta| = 0.8 (docs/patterns.md).
set -eu
here=$(dirname "$0")
folder=$1
workers=${2:-1}
mkdir -p "$folder"

generate() {
    name=$1
    shift
    [ -e "$folder/$name.h5" ] || calovox geant4 "$@" --workers "$workers" -o "$folder/$name.h5"
}

# donors K LOW HIGH SHOWERS: from LOW to HIGH MeV, around 2^K MeV, all |eta|
donors() {
    generate "donors_$1" --energy "log:$2MeV:$3MeV" --eta abs:0:1.35 -n "$4" \
        --seed $((593 + $1)) --first-event $((6000000 + $1 * 10000))
}

# high K SHOWERS: from 2^K to 2^(K + 1) MeV, all |eta|, twice
high() {
    for half in 0 1; do
        generate "donors_high_$1_$half" --energy "log:$((1 << $1))MeV:$((1 << ($1 + 1)))MeV" \
            --eta abs:0:1.35 -n "$2" --seed $((220 + 2 * $1 + half)) --precision-bits 10 \
            --first-event $((1500000 + $1 * 20000 + half * 10000))
    done
}

# judged NAME SEED ETA SHOWERS: around 10 GeV
judged() {
    generate "judged_$1" --seed "$2" --eta "abs:$3" --energy log:8GeV:12.5GeV -n "$4" \
        --first-event $((6500000 + $2 * 1000))
}

donors 16 46341 92682 200
judged central 641 0.2:0.25 600
donors 14 16384 23170 150
donors 15 23170 46341 150
judged transition 642 0.75:0.8 500
donors 13 5793 11585 200
donors 12 2896 5793 200
donors 17 92682 185364 30
donors 20 741455 1482910 30
donors 8 256 362 300
donors 9 362 724 300
donors 10 724 1448 300
donors 11 1448 2896 300
donors 18 185364 370728 48
high 17 100
high 18 50
high 19 25
judged gap 643 0:0.05 400

# near |eta| = 0.8, where EMB3 begins further out
generate donors_border --energy log:131.072GeV:2.097152TeV --eta abs:0.7:0.9 -n 60 \
    --seed 614 --first-event 7114000

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
calovox voxelize "$folder"/donors_*.h5 --grid optimal --phi-modulation "$here/phi_curve.h5" \
    --no-cells --patterns "$here/../src/calovox/shipped/patterns/optimal.h5" --force \
    --pattern-step 3:0.8:0.0736 -o "$scratch/donors.h5"
