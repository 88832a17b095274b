#!/bin/sh
# Trains one of examples/specs with nothing but curl and sed:
#
#   npm start                      # in another terminal
#   examples/train.sh votes        # or iris, digits, breast-cancer, diabetes, letters, xor
#
# Prints the events as they arrive and the job at the end. EPOCHD_URL says where the service is.
set -eu
url=${EPOCHD_URL:-http://127.0.0.1:3000}
here=$(dirname "$0")
spec=$here/specs/${1:?usage: train.sh votes|iris|digits|breast-cancer|diabetes|letters|xor}.json

# --fail-with-body: an answer that says no ends the script, and its explanation is shown.
post() { curl --silent --show-error --fail-with-body -X POST "$@"; }
id_of() { sed -E 's/^\{"id":"([^"]+)".*/\1/'; }

dataset=none
csv=$(sed -nE 's/.*"csv": "([^"]+)".*/\1/p' "$spec")
if [ -n "$csv" ]; then
  dataset=$(post "$url/v1/datasets" -H 'content-type: text/csv' --data-binary "@$here/data/$csv") || { echo "$dataset" >&2; exit 1; }
  dataset=$(echo "$dataset" | id_of)
  echo "dataset $dataset"
fi

job=$(sed "s/\$DATASET_ID/$dataset/" "$spec" | post "$url/v1/jobs" -H 'content-type: application/json' --data-binary @-) || { echo "$job" >&2; exit 1; }
job=$(echo "$job" | id_of)
echo "job $job"

# The stream ends after the last event, and so does curl. -N shows each event at once.
curl --silent --show-error --fail-with-body -N -H 'accept: text/event-stream' "$url/v1/jobs/$job/events"
curl --silent --show-error --fail-with-body "$url/v1/jobs/$job"
echo
