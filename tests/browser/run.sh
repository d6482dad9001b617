#!/usr/bin/env bash
# Browser tests: first the handset against a scripted peer (every card and action, files on bad networks), then against the
# platform with its demo: conversations by script, handsets that chat, alone and in groups, with files and voice, the whole rail conversation by typing and by
# tapping, in Chinese and in English, and a platform that is killed in mid-conversation. Screenshots go to artefacts/.
#
# Takes the programs from HONGYAN (its directory also holds rail-bot) if set, else builds them.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -z "${HONGYAN:-}" ]; then
    make --no-print-directory web
    cargo build --locked -p hongyan -p rail-bot
    HONGYAN="${CARGO_TARGET_DIR:-target}/debug/hongyan"
fi
HONGYAN=$(realpath "$HONGYAN")
export HONGYAN
export ARTEFACTS="${ARTEFACTS:-$PWD/artefacts}"
mkdir -p "$ARTEFACTS"

echo "the handset against a scripted peer"
(cd web && node --test --test-concurrency=1 e2e/chatbot.test.mjs e2e/files.test.mjs)

data=$(mktemp -d)
pid=
cleanup() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    [ -z "$pid" ] || wait "$pid" 2>/dev/null || true
    rm -rf "$data"
}
trap cleanup EXIT

export HONGYAN_DEMO__PASSWORD=browser-tests
"$HONGYAN" serve --demo --data "$data/data" --http 127.0.0.1:0 --sip 127.0.0.1:0 \
    --ready-file "$data/ready" >"$ARTEFACTS/platform.log" 2>&1 &
pid=$!
for _ in $(seq 3000); do
    [ -s "$data/ready" ] && break
    kill -0 "$pid" 2>/dev/null || { cat "$ARTEFACTS/platform.log" >&2; exit 1; }
    read -rt 0.1 <> <(:) || true
done
[ -s "$data/ready" ] || { echo "the platform did not come up; see $ARTEFACTS/platform.log" >&2; exit 1; }
HONGYAN_URL="http://$(sed -E 's/.*"http":"([^"]+)".*/\1/' "$data/ready")"
export HONGYAN_URL HONGYAN_DEMO_PASSWORD="$HONGYAN_DEMO__PASSWORD" HONGYAN_DATA="$data/data"

echo "conversations with the rail chatbot, without a browser"
"$HONGYAN" converse bots/rail/conversations --data "$data/data" --junit "$ARTEFACTS/conversations.xml"

echo "the handset against the platform at $HONGYAN_URL"
(cd web && node --test --test-concurrency=1 e2e/accessibility.test.mjs e2e/chat.test.mjs e2e/files.test.mjs \
    e2e/message.test.mjs e2e/settings.test.mjs e2e/history.test.mjs e2e/groups.test.mjs e2e/rail.test.mjs e2e/pages.test.mjs)

echo "a platform that is killed"
(cd web && node --test --test-concurrency=1 e2e/kill.test.mjs)
