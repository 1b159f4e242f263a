"""Twisted 25.5, to which many programs are pinned."""

from pathlib import Path

from interop.twisted_web import with_twisted

PROGRAM = with_twisted(Path(__file__).parent)
