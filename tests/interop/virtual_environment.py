"""Python packages that the suites need, in environments of their own beside the programs that use them."""

import subprocess
import sys


def install(directory, module, *options):
    """Installs what `requirements.txt` in a directory wants; the Python that can import `module`, or `None` when it cannot be had."""
    wanted = (directory / "requirements.txt").read_text()
    home = directory / "venv"
    program, installed = home / "bin" / "python", home / "installed.txt"
    if installed.exists() and installed.read_text() == wanted and program.exists():
        return program
    make = [sys.executable, "-m", "venv", "--clear", home]
    fetch = [program, "-m", "pip", "install", "-q", "--only-binary", ":all:", *options, "-r", directory / "requirements.txt"]
    for command in (make, fetch, [program, "-c", f"import {module}"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"  {' '.join(map(str, command))}: {(done.stderr or done.stdout).strip()[-300:]}")
            return None
    installed.write_text(wanted)
    return program
