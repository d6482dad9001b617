"""JsSIP in Node over WebSocket: see jssip/interop.mjs."""

import subprocess
from pathlib import Path

from platform_under_test import DOMAIN, PASSWORD

HERE = Path(__file__).parent / "jssip"


def run(platform, checks, directory):
    if not (HERE / "node_modules" / "jssip").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=HERE, check=True)
    alice, bob = platform.subscriber(), platform.subscriber()
    command = ["node", "interop.mjs", f"ws://{platform.http}/sip", DOMAIN, PASSWORD, alice, bob]
    with open(directory / "jssip.log", "w") as log:
        told = subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, stderr=log, text=True, timeout=60)
    outcomes = [line for line in told.stdout.splitlines() if line.startswith(("ok - ", "not ok - "))]
    for line in outcomes:
        checks.that(line.split(" - ", 1)[1], line.startswith("ok"))
    errors = (directory / "jssip.log").read_text()[-500:]
    checks.that("the JsSIP story is told to its end", told.returncode == 0 and len(outcomes) >= 25, errors)
