#!/usr/bin/env bash
# The dependency rule of ARCHITECTURE.md: protocol crates and deciding crates know no runtime, no sockets, no HTTP; the
# protocol crates know nothing of each other; bots know nothing of ours.
set -euo pipefail
cd "$(dirname "$0")/.."

failed=0
# forbid CRATE NAME…: none of the names may be in the crate's dependency tree.
forbid() {
    local crate=$1 tree name
    shift
    tree=$(cargo tree --locked -e normal -p "$crate" --prefix none --format '{p}' | awk '{ print $1 }' | sort -u)
    for name in "$@"; do
        if grep -qx "$name" <<<"$tree"; then
            echo "dependency rule: $crate must not know $name" >&2
            failed=1
        fi
    done
}

outside=(tokio hyper axum reqwest tokio-rustls tokio-tungstenite socket2 mio)
deciders=(store message-centre maap)
forbid sip "${outside[@]}" msrp rcs chatbot-api "${deciders[@]}" fjall
forbid msrp "${outside[@]}" sip rcs chatbot-api "${deciders[@]}" fjall
forbid rcs "${outside[@]}" sip msrp chatbot-api "${deciders[@]}" fjall
forbid chatbot-api "${outside[@]}" sip "${deciders[@]}" fjall
forbid store tokio hyper axum reqwest message-centre maap chatbot-api
forbid message-centre tokio hyper axum reqwest maap chatbot-api
forbid maap tokio hyper axum reqwest
forbid rail-bot sip msrp rcs chatbot-api "${deciders[@]}" handset hongyan

# The clock is read only where the outside world is touched.
if grep -rnE 'Instant::now|SystemTime::now' crates/{sip,msrp,rcs,chatbot-api,store,message-centre,maap}/src; then
    echo "dependency rule: the lines above read a clock" >&2
    failed=1
fi
[ "$failed" = 0 ] && echo "dependency rule: holds"
exit "$failed"
