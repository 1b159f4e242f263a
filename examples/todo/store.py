"""Where users and todos are kept: in memory. A database would have the same methods, as coroutines."""

from itertools import count, islice

from todo.models import NewTodo, Todo


class Store:
    """Hashes of passwords by name, and the todos of each user by id."""

    def __init__(self) -> None:
        self.hashes: dict[str, str] = {}
        self._todos: dict[str, dict[int, Todo]] = {}
        self._ids = count(1)

    def todos_of(self, user: str) -> dict[int, Todo]:
        """The todos of a user, in the order in which they were added."""
        return self._todos.setdefault(user, {})

    def add(self, user: str, new: NewTodo) -> Todo:
        """Add a todo."""
        todo = Todo(id=next(self._ids), title=new.title, due=new.due)
        self.todos_of(user)[todo.id] = todo
        return todo

    def page(self, user: str, after: int, limit: int, done: bool | None) -> list[Todo]:
        """The first todos with greater ids than `after`; only those that are done, or not, unless `done` is None."""
        found = (todo for todo in self.todos_of(user).values() if todo.id > after and done in (None, todo.done))
        return list(islice(found, limit))
