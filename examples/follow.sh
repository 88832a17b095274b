#!/bin/sh
# Follows a job through broken connections: every event once, in order, however often the connection ends.
#
#   examples/follow.sh job_…
#
# Each event's id is its number. Sent back as Last-Event-ID it makes the stream go on right after that event; once the
# job is over and everything was sent, the answer is 204 and the script ends. CONNECTION_S breaks the connection on
# purpose after so many seconds.
set -eu
url=${EPOCHD_URL:-http://127.0.0.1:3000}
job=${1:?usage: follow.sh job_…}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo 0 >"$folder/last"

# Prints whole events only: one whose empty line has not come before the break is sent again on the next connection.
print_events() {
  block= id=
  while IFS= read -r line; do
    if [ -z "$line" ]; then
      if [ -n "$id" ]; then
        printf '%s\n' "$block"
        echo "$id" >"$folder/last"
      fi
      block= id=
      continue
    fi
    case $line in 'id: '*) id=${line#id: } ;; esac
    block="$block$line
"
  done
}

while :; do
  curl --silent --no-buffer --max-time "${CONNECTION_S:-3600}" --dump-header "$folder/headers" \
    -H 'accept: text/event-stream' -H "last-event-id: $(cat "$folder/last")" "$url/v1/jobs/$job/events" | print_events
  status=$(head -n 1 "$folder/headers" | cut -d ' ' -f 2)
  case $status in
    200) ;;
    204) exit 0 ;;
    *) echo "The service answered $status." >&2; exit 1 ;;
  esac
done
