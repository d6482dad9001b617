"""JsSIP in Node over WebSocket: see jssip/interop.mjs."""

import subprocess
from pathlib import Path

import node_packages
from platform_under_test import DOMAIN, PASSWORD, PATIENCE_S

HERE = Path(__file__).parent / "jssip"


def run(platform, checks, directory):
    node_packages.install(HERE)
    alice, bob = platform.subscriber(), platform.subscriber()
    command = ["node", "interop.mjs", f"ws://{platform.http}/sip", DOMAIN, PASSWORD, alice, bob]
    with open(directory / "jssip.log", "w") as log:
        told = subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, stderr=log, text=True, timeout=2 * PATIENCE_S)
    outcomes = [line for line in told.stdout.splitlines() if line.startswith(("ok - ", "not ok - "))]
    for line in outcomes:
        checks.that(line.split(" - ", 1)[1], line.startswith("ok"))
    errors = (directory / "jssip.log").read_text()[-500:]
    checks.that("the JsSIP story is told to its end", told.returncode == 0 and len(outcomes) >= 25, errors)
