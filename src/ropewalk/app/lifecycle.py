"""The start and stop of an app: the order in which hooks are called and app-scoped dependencies open and close.

Start: the start hooks of each app and hosted application, then app-scoped dependencies. Stop: the stopping hooks, while
requests still run; then background tasks; then dependencies and stop hooks, both in reverse order.
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from ropewalk.app.hooks import Hook, HookCaller, call_logged, call_together
from ropewalk.calling import as_wrong_reactor, call_hook
from ropewalk.middleware import check_orders
from ropewalk.resource import Hosted, hosted_below
from ropewalk.typed import app_scoped_below, open_provider
from ropewalk.waiting import Moment, Waiter

if TYPE_CHECKING:
    from ropewalk.app.app import App


class Lifecycle:
    """Starts and stops one app, the apps mounted in it, and its hosted applications. `App` documents the methods."""

    def __init__(self, app: "App") -> None:
        self.app = app
        self._closes: list[Hook] = []
        """Functions that close the app-scoped dependencies, in the order in which the dependencies were opened. A stop
        calls them in reverse order."""

    async def start(self) -> None:
        """See `App.start`."""
        check_orders(self.app)
        needed = app_scoped_below(self.app)
        for app in self.app.family():
            if app.stop_begins.passed:  # a Moment that has not passed is kept, because code may already wait for it
                app.stop_begins = Moment()
        started: list[App | Hosted] = []
        called: Hook = self.app.start
        try:
            for each in self._members():
                if isinstance(each, Hosted):
                    started.append(each)
                for called in each.start_hooks:
                    await call_hook(called)
                if not isinstance(each, Hosted):
                    started.append(each)
            for called, (name, layers) in needed.items():
                await open_provider(called, name, layers, self._closes)
        except BaseException as error:
            await self.stop(call_hook, started)
            raised = as_wrong_reactor(error, called)
            if raised is error:
                raise
            raise raised from error

    def begin_stop(self, call: HookCaller) -> Waiter[None]:
        """See `App.begin_stop`."""
        for app in self.app.family():
            app.stop_begins.fire()
        return call_together([hook for each in self._members() for hook in each.stopping_hooks], call)

    def finish_calls(self, seconds: float | None) -> Waiter[None]:
        """See `App.finish_calls`."""
        hosted = [partial(each.finish_calls, seconds) for each in hosted_below(self.app.resource)]
        return call_together([partial(self.app.background.finish, seconds), *hosted])

    def cut_calls(self) -> None:
        """See `App.cut_calls`."""
        self.app.background.cut()
        for each in hosted_below(self.app.resource):
            each.cut_calls()

    async def stop(self, call: HookCaller, started: "Sequence[App | Hosted] | None" = None) -> None:
        """Stop all apps and hosted applications, or only those in `started`.

        `call` is the function that calls each hook.
        """
        if self.app.cleanups:
            await call_logged(self.app.cleanups.finish, call)
        while self._closes:
            await call_logged(self._closes.pop(), call)
        self.app.dependencies.opened.clear()
        for each in reversed(self._members() if started is None else started):
            for hook in reversed(each.stop_hooks):
                await call_logged(hook, call)

    def _members(self) -> "list[App | Hosted]":
        """The apps and hosted applications that start and stop with this app."""
        return [*self.app.family(), *hosted_below(self.app.resource)]
