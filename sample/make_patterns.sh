#!/bin/sh
# Generates the hits that patterns are taken from, and those that placement by patterns is judged
# by, and makes the shipped library of patterns: two hours of a core.
# usage: sample/make_patterns.sh FOLDER [WORKERS]
# Stopped at any moment, the same command continues. Seeds 601 to 640 belong to the patterns,
# seeds 641 to 649 to the showers that they are judged by; event indices are distinct. Donors below
# 2^14 MeV are the first training showers of make_training_hits.sh.
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

# training K: from 2^K to 2^(K+1) MeV, all |eta|
training() {
    generate "train_$1" --energy "log:$((1 << $1))MeV:$((1 << ($1 + 1)))MeV" --eta abs:0:1.35 \
        -n 1500 --seed $((193 + $1)) --first-event $((1000000 + $1 * 10000))
}

# donors K LOW HIGH SHOWERS: from LOW to HIGH MeV, around 2^K MeV, all |eta|
donors() {
    generate "donors_$1" --energy "log:$2MeV:$3MeV" --eta abs:0:1.35 -n "$4" \
        --seed $((593 + $1)) --first-event $((6000000 + $1 * 10000))
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
judged gap 643 0:0.05 400
donors 17 92682 185364 80
donors 18 185364 370728 40
donors 20 741455 1482910 14
donors 19 370728 741455 24
donors 21 1482910 2097152 4
for k in 8 9 10 11 12 13; do training "$k"; done
