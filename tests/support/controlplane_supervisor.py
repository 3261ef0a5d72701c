"""The parent of one cluster's processes: ends them, and their folder, when the test run ends in any way.

Run as a program: `python controlplane_supervisor.py FOLDER`. It reads one JSON order a line on stdin and
answers one JSON line on stdout. When stdin ends (pytest closed it, was interrupted or was killed) it
kills what is left and removes the folder. It is the parent, so it never signals a process that is not its
own, and it has one thread, as PR_SET_PDEATHSIG asks (that signal comes when the *thread* that forked ends).
Only the standard library is imported: it starts at once.
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
LAST_WORDS = 4000


def die_with_parent():
    """Ask Linux to kill the child should this supervisor itself be killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Supervisor:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.children = {}

    def start(self, name, executable, arguments, user=None):
        """Start a program in the cluster's folder, its output going to NAME.log."""
        # A change of user clears PR_SET_PDEATHSIG: Popen makes it before it calls preexec_fn.
        with (self.folder / f"{name}.log").open("ab") as log:
            self.children[name] = subprocess.Popen(
                [name, *arguments],
                executable=executable,
                cwd=self.folder,
                # HOME is the folder: no program reads or writes the user's own configuration.
                env=dict.fromkeys(("HOME", "TMPDIR"), str(self.folder)) | {"PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - unsafe with threads: there is one
                **({} if user is None else {"user": user, "group": user, "extra_groups": []}),
            )
        return {"pid": self.children[name].pid}

    def poll(self, name):
        """Say whether a program has ended (its exit code), and its last words if so."""
        code = self.children[name].poll()
        return {"code": code, "log": "" if code is None else self.last_words(name)}

    def stop(self, names, timeout):
        """Ask programs to end, together, and kill those that have not after `timeout` seconds."""
        for name in names:
            if name in self.children and self.children[name].poll() is None:
                self.children[name].terminate()
        codes = {}
        for name in names:
            child = self.children.pop(name, None)
            if child is None:
                continue
            try:
                codes[name] = child.wait(timeout)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                codes[name] = "killed"
        return {"codes": codes}

    def last_words(self, name):
        with (self.folder / f"{name}.log").open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - LAST_WORDS))
            return log.read().decode("utf-8", "replace")

    def end(self):
        for child in self.children.values():
            if child.poll() is None:
                child.kill()
        for child in self.children.values():
            child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    # Ctrl-C reaches the terminal's process group: this session is its own, but be sure.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    supervisor = Supervisor(sys.argv[1])
    try:
        for line in sys.stdin:
            order = json.loads(line)
            try:
                answer = getattr(supervisor, order.pop("do"))(**order)
            except (OSError, LookupError, TypeError, subprocess.SubprocessError) as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    finally:
        supervisor.end()


if __name__ == "__main__":
    main()
