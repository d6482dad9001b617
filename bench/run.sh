#!/usr/bin/env bash
# Builds with optimisation, measures the parser, then a running platform (and Kamailio and nginx beside it when they are installed), and
# writes docs/performance.md. Arguments go to hongyan-bench: bench/run.sh --messages 10000 --only relay, or --only files
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
parser=$(mktemp)
trap 'rm -f "$parser"' EXIT

cargo build --release --locked -p hongyan -p bench
cargo bench --locked -p sip --bench parse | tee "$parser"
"$target/release/hongyan-bench" --hongyan "$target/release/hongyan" --parser "$parser" \
    --markdown docs/performance.md "$@"
