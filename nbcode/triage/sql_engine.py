"""A database behind an address. Of SQLite, transactions begin when they are told to."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool
from sqlalchemy.util import asbool

from nbcode.triage.columns import TableError


def open_engine(address: str, wait: float) -> sa.Engine:
    """An engine that keeps no connection, and that begins SQLite's transactions itself.

    Raises:
        TableError: an address that is none, an unknown kind of database, a missing driver or file.
    """
    url = _url(address)
    sqlite = url.get_backend_name() == "sqlite"
    arguments = {"timeout": wait} if sqlite else {}
    try:
        engine = sa.create_engine(url, poolclass=NullPool, connect_args=arguments)
    except NoSuchModuleError as error:
        raise TableError(f"{url.drivername!r} is no database that SQLAlchemy knows; sqlite:///FILE is one") from error
    except ImportError as error:
        raise TableError(f"{url.drivername!r} needs a driver that is not installed here: {error}") from error
    if sqlite:
        # Python's module would begin transactions when it sees fit, too late for a lock and never for a new column.
        sa.event.listen(engine, "connect", _plain_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _url(address: str) -> URL:
    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as error:
        raise TableError("the address of the database cannot be read; write it as sqlite:///FILE") from error
    if url.get_backend_name() == "sqlite" and url.query.get("mode") != "memory":
        file = _sqlite_file(url)
        if not Path(file).is_file():  # SQLite would make an empty database of that name
            raise TableError(
                f"there is no file {file!r}; sqlite:///FILE is relative, sqlite:////FILE begins at the root"
            )
    return url


def _sqlite_file(url: URL) -> str:
    """The file of an address, which may be one of SQLite's own: https://www.sqlite.org/uri.html."""
    name = url.database or ""
    is_uri = name.startswith("file:") and asbool(url.query.get("uri", False))
    return unquote(urlsplit(name).path) if is_uri else name


def _plain_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")  # a bad byte stops no run


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'DEFERRED')}")
