"""An app whose handlers stop the process for longer than a handler may block the reactor."""

import os
import signal
import subprocess
import sys
import time
from asyncio import sleep

from ropewalk import App

app = App()

CONTINUE = "import os, signal, time; time.sleep(0.8); os.kill({process}, signal.SIGCONT)"


def stop() -> str:
    with subprocess.Popen([sys.executable, "-c", CONTINUE.format(process=os.getpid())]):
        os.kill(os.getpid(), signal.SIGSTOP)
        return "continued"


@app.get("/first")
def first() -> str:
    return stop()


@app.get("/later")
async def later() -> str:
    await sleep(0)
    return stop()


@app.get("/blocks")
async def blocks() -> str:
    await sleep(0)
    time.sleep(0.6)
    return "blocked"
