"""What the clients in Python need, from their lists of requirements, each in an environment of its own."""

import subprocess
import sys


def environment(directory, module):
    """The `bin` of an environment with the packages of `directory`'s requirements.txt, where `module` can be imported; `None` when
    it cannot be had here, after saying why."""
    wanted = (directory / "requirements.txt").read_text()
    home = directory / "venv"
    programs, installed = home / "bin", home / "installed.txt"
    if installed.exists() and installed.read_text() == wanted and (programs / "python").exists():
        return programs
    make = [sys.executable, "-m", "venv", "--clear", home]
    install = [programs / "python", "-m", "pip", "install", "-q", "--only-binary", ":all:"]
    install += ["-r", directory / "requirements.txt"]
    for command in (make, install, [programs / "python", "-c", f"import {module}"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"  {' '.join(map(str, command))}: {(done.stderr or done.stdout).strip()[-300:]}")
            return None
    installed.write_text(wanted)
    return programs
