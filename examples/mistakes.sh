#!/bin/sh
# What a wrong spec gets: one problem document that names every mistake and its place, and nothing is trained.
#
#   npm start                      # in another terminal
#   examples/mistakes.sh
set -eu
url=${EPOCHD_URL:-http://127.0.0.1:3000}

curl --silent --show-error "$url/v1/jobs" -H 'content-type: application/json' --data-binary @- <<'JSON'
{
  "model": {
    "layers": [
      { "type": "Linear", "in_features": 2, "out_features": 64 },
      { "type": "ReLu" },
      { "type": "Linear", "in_features": 32, "out_features": 3 }
    ]
  },
  "loss": "CrossEntropyLoss",
  "optimiser": { "type": "SGD", "lr": 0.1 },
  "optimizer": { "type": "SGD", "lr": -1 },
  "epochs": 5,
  "data": { "inline": { "inputs": [[0, 0], [0, 1], [1, 0]], "targets": [0, 1, 3] } }
}
JSON
echo
