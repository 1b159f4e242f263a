"""Twisted 25.5, which many programs are pinned to."""

from pathlib import Path

from interop.twisted_web import with_twisted

PROGRAM = with_twisted(Path(__file__).parent)
