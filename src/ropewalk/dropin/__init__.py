"""Existing programs of twisted.web on the engine, unchanged."""

from ropewalk.dropin.accelerating import accelerate, take_over
from ropewalk.dropin.channel import HTTPChannel
from ropewalk.dropin.driver import limits_of
from ropewalk.dropin.request import Request

__all__ = ["HTTPChannel", "Request", "accelerate", "limits_of", "take_over"]
