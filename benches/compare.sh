#!/usr/bin/env bash
# The same requests signed and the same answers read by wechatpay-proto and by the npm package wechatpay-axios-plugin, in
# one run on one machine: one table. With --test shortly, to see that both come to the same.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -r benches/node "$work/node"
(cd "$work/node" && npm ci --no-audit --no-fund --loglevel=error >&2)
how=bench
[ "${1:-}" != --test ] || how=test # the build of the tests does
cargo "$how" --quiet -p wechatpay-benches --bench compare -- "$@" >"$work/rust.json"
node "$work/node/compare.mjs" <"$work/rust.json"
