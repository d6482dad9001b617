#!/usr/bin/env bash
# Interop: clients that we did not write against a running platform. Exits non-zero if anything failed.
#
#   tests/interop/run.sh                 everything
#   tests/interop/run.sh sipp jssip      some suites: raw, rbm, sipp, jssip, sipjs, linphone, linphone-files, words, groups, msrp, msrps, pjsip, relay, fnw11, cm, ctcu, schemathesis
#
# Takes the platform from HONGYAN if set, else builds it.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -z "${HONGYAN:-}" ]; then
    cargo build --locked -p hongyan
    cargo build --locked -p handset --example caller
    export HONGYAN="${CARGO_TARGET_DIR:-target}/debug/hongyan"
fi
exec python3 -B tests/interop/run.py "$@"
