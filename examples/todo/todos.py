"""Todos: `/todos` and `/todos/{id}`."""

from typing import Annotated

from msgspec.structs import asdict

from ropewalk import App, Depends, HTTPError, MergePatch, Query, Request
from ropewalk.paging import CursorPages, CursorQuery, Page
from todo.models import Id, NewTodo, Todo, TodoFields, User
from todo.store import Reader, Transaction
from todo.users import CurrentUser, logged_in

todos = App(middleware=[logged_in])


@todos.post("", status=201)
async def add_todo(new: NewTodo, user: CurrentUser, transaction: Transaction) -> Todo:
    """Add a todo."""
    statement = "INSERT INTO todos (owner, title, due) VALUES (?, ?, ?) RETURNING *"
    (todo,) = await transaction.fetch(Todo, statement, (user.name, new.title, new.due))
    return todo


PAGES: CursorPages[int] = CursorPages(Id, name="todos")


class TodoQuery(CursorQuery, forbid_unknown_fields=True):
    """`?done=false` selects the todos that are not done."""

    done: bool | None = None


@todos.get("")
async def list_todos(
    request: Request, user: CurrentUser, reader: Reader, query: Annotated[TodoQuery, Query()]
) -> Page[Todo]:
    """List your todos, a page at a time."""
    found = await reader.fetch(
        Todo,
        """
        SELECT * FROM todos WHERE owner = :owner AND id > :after AND (:done IS NULL OR done = :done)
        ORDER BY id LIMIT :limit + 1
        """,
        asdict(query) | {"owner": user.name, "after": PAGES.position(query).key or 0},
    )
    return PAGES.page(request, query, found, key=lambda todo: todo.id)


async def find_todo(statements: Reader | Transaction, user: User, id: int) -> Todo:
    """Return a todo, if it belongs to the user."""
    todo = await statements.fetch_one(Todo, "SELECT * FROM todos WHERE id = ? AND owner = ?", (id, user.name))
    if todo is None:
        raise HTTPError(404, f"You have no todo {id}.")
    return todo


@todos.get("/{id:int}", responses={404: "There is no such todo."})
async def show_todo(id: Id, user: CurrentUser, reader: Reader) -> Todo:
    """Show a todo."""
    return await find_todo(reader, user, id)


async def todo_to_change(id: Id, user: CurrentUser, transaction: Transaction) -> Todo:
    """Return the todo with the id in the path. No other request changes it before the transaction ends."""
    return await find_todo(transaction, user, id)


TodoToChange = Annotated[Todo, Depends(todo_to_change)]


@todos.patch("/{id:int}", responses={404: "There is no such todo."})
async def change_todo(todo: TodoToChange, patch: MergePatch[TodoFields], transaction: Transaction) -> Todo:
    """Change some fields of a todo."""
    statement = "UPDATE todos SET title = :title, due = :due, done = :done WHERE id = :id RETURNING *"
    (changed,) = await transaction.fetch(Todo, statement, asdict(patch.apply(todo)) | {"id": todo.id})
    return changed


@todos.delete("/{id:int}", responses={404: "There is no such todo."})
async def delete_todo(todo: TodoToChange, transaction: Transaction) -> None:
    """Delete a todo."""
    await transaction.execute("DELETE FROM todos WHERE id = ?", (todo.id,))
