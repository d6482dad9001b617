"""What the clients in Node need, from their lock files."""

import subprocess


def install(directory):
    """Installs a client's packages unless they are there, as its lock file says."""
    lock, installed = directory / "package-lock.json", directory / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=directory, check=True)
