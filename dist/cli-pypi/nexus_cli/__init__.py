"""Runs `nexus`, which is among the scripts of this environment."""

import os
import subprocess
import sys
import sysconfig


def find():
    """The path of the program."""
    name = "nexus.exe" if os.name == "nt" else "nexus"
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folders = [
        sysconfig.get_path("scripts"),
        # pip install --target
        os.path.join(here, "bin"),
        # pip install --user
        sysconfig.get_path("scripts", f"{os.name}_user"),
    ]
    for folder in folders:
        program = os.path.join(folder, name)
        if os.path.isfile(program):
            return program
    raise FileNotFoundError(f"{name} is in none of {', '.join(folders)}: install nexus-cli again")


def main():
    """Becomes the program. Where that is impossible, waits for it."""
    words = [find(), *sys.argv[1:]]
    if os.name != "nt":
        os.execv(words[0], words)
    try:
        sys.exit(subprocess.run(words).returncode)
    except KeyboardInterrupt:
        # The program was interrupted, too.
        sys.exit(1)
