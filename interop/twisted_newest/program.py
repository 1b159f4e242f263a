"""The newest Twisted."""

from pathlib import Path

from interop.twisted_web import with_twisted

PROGRAM = with_twisted(Path(__file__).parent)
