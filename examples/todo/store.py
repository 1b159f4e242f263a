"""A store that keeps users and todos in memory. With a database, its methods would be coroutines."""

from itertools import count, islice

from todo.models import NewTodo, Todo


class Store:
    """The password hashes by user name, and the todos of each user by id."""

    def __init__(self) -> None:
        self.hashes: dict[str, str] = {}
        self._todos: dict[str, dict[int, Todo]] = {}
        self._ids = count(1)

    def todos_of(self, user: str) -> dict[int, Todo]:
        """Return the todos of a user, in the order in which they were added."""
        return self._todos.setdefault(user, {})

    def add(self, user: str, new: NewTodo) -> Todo:
        """Add a todo."""
        todo = Todo(id=next(self._ids), title=new.title, due=new.due)
        self.todos_of(user)[todo.id] = todo
        return todo

    def replace(self, user: str, todo: Todo) -> None:
        """Store a changed todo."""
        self.todos_of(user)[todo.id] = todo

    def page(self, user: str, after: int, limit: int, done: bool | None) -> list[Todo]:
        """Return the first todos with ids above `after`. If `done` is not None, return only those with this state."""
        found = (todo for todo in self.todos_of(user).values() if todo.id > after and done in (None, todo.done))
        return list(islice(found, limit))
