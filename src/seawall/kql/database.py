"""The database: tables in, queries answered, controls judged. The only module here that knows DuckDB."""

from __future__ import annotations

import contextlib
import re
import threading
import weakref
from itertools import repeat
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core.clock import Clock, SystemClock
from seawall.kql import loading, shredding
from seawall.kql.catalog import Catalog, Table
from seawall.kql.compiler import Plan, compile_query, udfs_of
from seawall.kql.errors import KqlError
from seawall.kql.failures import first_line, of_duckdb
from seawall.kql.functions import UDFS
from seawall.kql.functions.registry import of_arity
from seawall.kql.profiles import profile_of
from seawall.kql.temporal import EPOCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from seawall.kql.principal import Principal

_OVERFLOW = re.compile(r"Overflow in \w+ of INT64")
_LITERAL = re.compile(r"'(?:[^']|'')*'")


def _native() -> Any:
    """Import DuckDB's own module: the package around it takes three times as long to import, and is not used here."""
    try:
        import _duckdb
    except ImportError:  # a DuckDB that names it otherwise
        import duckdb as _duckdb  # type: ignore[no-redef]
    return _duckdb


class Limits(msgspec.Struct, frozen=True):
    """How much a query may take: wall seconds, rows of the answer, and memory (DuckDB's spelling)."""

    seconds: float = 30.0
    rows: int = 500_000
    memory: str = "4GB"


def _connect(limits: Limits) -> Any:
    """Open an empty database in memory that reaches nothing outside."""
    return _native().connect(
        ":memory:",
        config={
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "memory_limit": limits.memory,
            # One thread: rows come out in one order, run after run; a query of this size is no slower for it.
            "threads": 1,
        },
    )


class Opening(threading.Thread):
    """A database that opens in the background, for a caller that has something to read first."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(name="duckdb")
        self._limits = limits or Limits()
        self._connection: Any = None
        self.start()

    def run(self) -> None:
        """Open it: what goes wrong is met again where it is wanted, and said there."""
        with contextlib.suppress(Exception):
            self._connection = _connect(self._limits)

    def take(self, limits: Limits) -> Any:
        """Return the open database, once; another one where it was opened with other limits or not at all."""
        self.join()
        connection, self._connection = self._connection, None
        return (
            connection
            if connection is not None and limits.memory == self._limits.memory
            else _connect(limits)
        )


class Result(msgspec.Struct, frozen=True):
    """An answer.

    `columns` are (name, KQL type); `rows` hold Python values: int ticks for datetime and timespan are turned
    into texts in Kusto's form by `seawall.kql.rest`, dynamic cells are decoded JSON, a null is None.
    `truncated` says that the row limit cut the answer.
    """

    columns: tuple[tuple[str, str], ...]
    rows: list[list[Any]]
    truncated: bool = False
    hints: dict[str, Any] = msgspec.field(default_factory=dict)


class Judged(msgspec.Struct, frozen=True):
    """What a control's query says: counts, and the rows whose `pass` is not true (columns as in the query)."""

    evaluated: int
    passed: int
    failed: int
    unknown: int
    columns: tuple[tuple[str, str], ...]
    rows: Sequence[Sequence[Any]]


class Database:
    """Tables in memory, behind a locked DuckDB: no file, no network, no extension, no configuration change.

    `plain` leaves DuckDB's optimizer out: for many short statements over few rows. `principal` is who the queries
    run as, for the functions that ask.
    """

    def __init__(
        self,
        profile: str = "local",
        limits: Limits | None = None,
        clock: Clock | None = None,
        *,
        plain: bool = False,
        opening: Opening | None = None,
        principal: Principal | None = None,
    ) -> None:
        self._duckdb = _native()
        self.limits = limits or Limits()
        self.profile = profile_of(profile)
        self.clock: Clock = clock or SystemClock()
        self.catalog = Catalog(self.profile)
        self.catalog.principal = principal
        self._connection: Any = opening.take(self.limits) if opening else _connect(self.limits)
        if plain:
            self._connection.execute("PRAGMA disable_optimizer")
        # The progress bar would be drawn into standard output.
        self._connection.execute("SET enable_progress_bar = false; SET lock_configuration = true")
        self._close = weakref.finalize(self, self._connection.close)
        self._plans: dict[str, Plan] = {}
        self._registered: set[str] = set()
        self._late = threading.Event()
        self._serial = 0
        itself = weakref.ref(self)

        def peek(sql: str, uses_now: bool) -> list[tuple[Any, ...]]:
            database = itself()
            return [] if database is None else database._peek(sql, uses_now)

        self.catalog.peek = peek

    # --- tables --------------------------------------------------------------------------------------------

    def add_table(
        self, name: str, columns: Sequence[Sequence[str]], rows: Iterable[Sequence[Any]] = ()
    ) -> None:
        """Load a table, replacing one of that name.

        Args:
            name: the name in queries.
            columns: (name, KQL type) pairs; names may differ in case only.
            rows: values in the order of the columns. datetime: datetime, date or ISO text; timespan: timedelta or
                text; dynamic: any JSON value; None is null (the empty text for a string).

        Raises:
            KqlError: a type that does not exist, a row of another width, a value of another type.
        """
        described = loading.columns_of(columns, name)
        self._serial += 1
        physical = f"b{self._serial}"
        try:
            count = loading.load(self._connection, physical, described, rows, name)
        except self._duckdb.Error as error:
            raise KqlError(f"table {name!r} cannot be loaded: {first_line(error)}", kind="runtime") from None
        old = self.catalog.tables.get(name)
        self.catalog.add(Table(name, described, physical, count))
        if old is not None:
            for one in (old.physical, *(made.physical for made in old.exploded.values())):
                self._connection.execute(f"DROP TABLE {one}")
        self._plans.clear()

    def add_jsonl(self, name: str, columns: Sequence[Sequence[str]], data: bytes) -> None:
        """Load a table from JSON lines: one object a line, its members by column name (absent is null).

        Dynamic members are never decoded: this is the fast way in for large estates.

        Raises:
            KqlError: a line that is no object, or a value of another type.
        """
        described = loading.columns_of(columns, name)
        self.add_table(name, columns, loading.jsonl_rows(data, described, name))

    def tables(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """Return the schema of what is loaded: table -> (column, type) pairs."""
        return {
            table.name: tuple((column.name, column.type) for column in table.columns)
            for table in self.catalog.tables.values()
        }

    # --- queries -------------------------------------------------------------------------------------------

    def compile(self, text: str) -> Plan:
        """Compile a query; the plan is kept until a table changes.

        Raises:
            KqlError: with line, column, caret and what was expected.
        """
        plan = self._plans.get(text)
        if plan is None:
            plan = compile_query(text, self.catalog)
            if plan.wanted and self._shred(plan.wanted):
                plan = compile_query(text, self.catalog)
            if len(self._plans) > 2000:
                self._plans.clear()
            self._plans[text] = plan
        return plan

    def prepare(self, texts: Iterable[str]) -> list[Plan]:
        """Compile many queries and shred all that they ask for in one pass over each table."""
        texts = list(texts)
        plans = [self._plans.get(text) or compile_query(text, self.catalog) for text in texts]
        if self._shred(tuple({want for plan in plans for want in plan.wanted})):
            self._plans.clear()
            plans = [compile_query(text, self.catalog) for text in texts]
        self._plans.update(zip(texts, plans, strict=True))
        return plans

    def _shred(self, wanted: Iterable[tuple[str, str, tuple[str | int, ...]]]) -> bool:
        """Give columns of their own to paths below dynamic columns; tells whether there are new ones."""
        changed = False
        by_table: dict[str, set[tuple[str, tuple[str | int, ...]]]] = {}
        for of, column, path in wanted:
            by_table.setdefault(of, set()).add((column, path))
        for name, paths in by_table.items():
            table = self.catalog.tables[name]
            if table.rows < shredding.LEAST_ROWS:
                continue
            arrays = {
                (column, path[: path.index("[]")]) for column, path in paths if "[]" in path
            } - table.bags
            plain = {one for one in paths if "[]" not in one[1]}
            fresh = sorted((plain | arrays) - table.leaves.keys(), key=repr)
            if fresh:
                self._serial += 1
                shredding.shred(self._connection, table, fresh, f"b{self._serial}")
                changed = True
            changed |= self._explode(table, arrays, paths, stale=bool(fresh))
        if changed:
            self._plans.clear()
        return changed

    def _explode(
        self,
        table: Table,
        arrays: set[tuple[str, tuple[str | int, ...]]],
        paths: set[tuple[str, tuple[str | int, ...]]],
        *,
        stale: bool,
    ) -> bool:
        """Build the expansions that queries want; those of before get the table's new columns too."""
        changed = False
        for column, path in sorted(arrays | (set(table.exploded) if stale else set()), key=repr):
            old = table.exploded.get((column, path))
            size = len(path) + 1
            below = {
                one[size:]
                for of, one in paths
                if of == column and one[: size - 1] == path and len(one) > size and "[]" not in one[size:]
            }
            have = set(old.leaves) if old is not None else set()
            if old is None or stale or below - have:
                self._serial += 1
                shredding.explode(
                    self._connection, table, column, path, sorted(below | have, key=repr), f"b{self._serial}"
                )
                changed = True
        return changed

    def query(self, query: str | Plan) -> Result:
        """Answer a query.

        Raises:
            KqlError: it cannot be compiled, took too long, or failed at run time.
        """
        plan = self.compile(query) if isinstance(query, str) else query
        try:
            raw = self._fetch(plan, plan.sql, self.limits.rows + 1)
        except KqlError as error:
            if not plan.text or not _OVERFLOW.search(error.message):
                raise
            plan = compile_query(plan.text, self.catalog, wraps=True)
            raw = self._fetch(plan, plan.sql, self.limits.rows + 1)
        truncated = len(raw) > self.limits.rows
        return Result(plan.columns, shape(raw[: self.limits.rows], plan.columns), truncated, plan.hints)

    def _peek(self, sql: str, uses_now: bool) -> list[tuple[Any, ...]]:
        """Look at data while a query is compiled: plugins whose columns are the data's."""
        plan = Plan("", (), sql, (), {}, uses_now and "$now" in sql, udfs_of(sql), ())
        return self._fetch(plan, sql, 0)

    def _fetch(self, plan: Plan, sql: str, most: int) -> list[tuple[Any, ...]]:
        """Run SQL within the limits."""
        self._register(plan.udfs)
        parameters = {"now": self._now()} if plan.uses_now else None
        self._late.clear()
        # The timer holds the connection, never this database: whoever lets go of it last closes it.
        timer = threading.Timer(self.limits.seconds, _stop, (self._late, self._connection.interrupt))
        timer.daemon = True
        timer.start()
        try:
            cursor = (
                self._connection.execute(sql, parameters) if parameters else self._connection.execute(sql)
            )
            rows: list[tuple[Any, ...]] = cursor.fetchmany(most) if most else cursor.fetchall()
        except self._duckdb.OutOfMemoryException:
            raise KqlError(f"the query needs more memory than {self.limits.memory}", kind="limit") from None
        except self._duckdb.Error as error:
            if self._late.is_set() or isinstance(error, self._duckdb.InterruptException):
                raise KqlError(
                    f"the query took longer than {self.limits.seconds:g} seconds", kind="limit"
                ) from None
            raise of_duckdb(error) from None
        finally:
            timer.cancel()
        return rows

    def _now(self) -> int:
        return EPOCH + int(self.clock.now().timestamp() * 1_000_000) * 10

    def _register(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._registered:
                one = UDFS[name]
                call = of_arity(len(one.params), _stoppable(one.call, self._late))
                self._connection.create_function(
                    name, call, list(one.params), one.result, null_handling="special"
                )
                self._registered.add(name)

    # --- controls ------------------------------------------------------------------------------------------

    def judge(self, plan: str | Plan, *, everything: bool = False) -> Judged:
        """Run a control's query: counts, and the rows whose `pass` is not true (all rows with `everything`)."""
        return self.judge_all([plan], everything=everything)[0]

    def judge_all(self, plans: Sequence[str | Plan], *, everything: bool = False) -> list[Judged]:
        """Run many controls' queries, each once: counts, and rows only where something did not pass.

        Raises:
            KqlError: a query that has no `pass` column of type bool, or that fails.
        """
        out: dict[int, Judged] = {}
        for answers in self.judge_each(plans, everything=everything):
            out.update(answers)
        return [out[i] for i in range(len(plans))]

    def judge_each(
        self, plans: Sequence[str | Plan], *, everything: bool = False
    ) -> Iterator[dict[int, Judged]]:
        """Run many controls' queries and give the answers by place as they come, one statement at a time.

        Controls that scan the same rows are asked in one statement.

        Raises:
            KqlError: as `judge_all`, before the first answer where a query has no `pass`.
        """
        compiled = [self.compile(plan) if isinstance(plan, str) else plan for plan in plans]
        places = [_pass_place(plan) for plan in compiled]
        groups: dict[object, list[int]] = {}
        for i, plan in enumerate(compiled):
            alone = everything or plan.flat is None or plan.udfs or plan.uses_now
            groups.setdefault(i if alone else plan.flat[0], []).append(i)  # type: ignore[index]
        for key, members in sorted(groups.items(), key=lambda group: -len(group[1])):
            if isinstance(key, int):
                yield {key: self._judge(compiled[key], places[key], everything=everything)}
            else:
                yield self._judge_flat(compiled, places, members)

    def _judge_flat(self, plans: list[Plan], places: list[int], members: list[int]) -> dict[int, Judged]:
        """Ask controls that scan the same rows in one scan: counts, and the rows that did not pass."""
        items = ["count(*)"]
        inner: dict[str, str] = {}
        tail = ""
        for i in members:
            tail, flat = plans[i].flat  # type: ignore[misc]
            test = inner.setdefault(flat[places[i]], f"x{len(inner)}")
            items.append(f"count(*) FILTER (WHERE {test})")
            items.append(f"count(*) FILTER (WHERE NOT {test})")
            # A list a column: rows of structs would cost the client two and a half times as much.
            items.extend(
                f"list({inner.setdefault(sql, f'x{len(inner)}')}) FILTER (WHERE {test} IS DISTINCT FROM true)"
                for sql in flat
                if _literal_of(sql) is None
            )
        taken = ", ".join(f"{sql} AS {name}" for sql, name in inner.items())
        tail = f" FROM (SELECT {taken}{tail})"
        row = iter(self._fetch(plans[members[0]], f"SELECT {', '.join(items)}{tail}", 0)[0])
        total = next(row)
        out: dict[int, Judged] = {}
        for i in members:
            passed, failed = next(row), next(row)
            count = total - passed
            cells = [
                next(row) or () if (known := _literal_of(sql)) is None else repeat(known, count)
                for sql in plans[i].flat[1]  # type: ignore[index]
            ]
            columns = plans[i].columns
            rows = _decoded(list(zip(*cells, strict=True)), columns)
            out[i] = Judged(total, passed, failed, count - failed, columns, rows)
        return out

    def _judge(self, plan: Plan, place: int, *, everything: bool) -> Judged:
        """Run one plan once: its rows are kept while they are counted, and come out beside the counts."""
        names = ", ".join(f"v{n}" for n in range(len(plan.columns)))
        test = "true" if everything else f"j.v{place} IS DISTINCT FROM true"
        sql = (
            f"WITH j({names}) AS MATERIALIZED ({plan.sql}), c AS (SELECT count(*) AS n,"
            f" count(*) FILTER (WHERE v{place}) AS ok, count(*) FILTER (WHERE NOT v{place}) AS bad FROM j)"
            f" SELECT c.n, c.ok, c.bad, j.* FROM c LEFT JOIN j ON {test}"
        )
        raw = self._fetch(plan, sql, 0)
        total, passed, failed = raw[0][:3]
        # The counts stand beside every row; alone where no row did not pass.
        wanted = total if everything else total - passed
        rows = _decoded([row[3:] for row in raw], plan.columns) if wanted else []
        return Judged(total, passed, failed, total - passed - failed, plan.columns, rows)

    def close(self) -> None:
        """Give the memory back; the database cannot be used afterwards."""
        self._close()


def _pass_place(plan: Plan) -> int:
    for index, (name, type_) in enumerate(plan.columns):
        if name == "pass" and type_ == "bool":
            return index
    raise KqlError(
        "a control's query gives a column 'pass' of type bool",
        kind="semantic",
        hint="end it with: project id, pass = ..., path, observed, expected",
    )


def shape(raw: Iterable[tuple[Any, ...]], columns: tuple[tuple[str, str], ...]) -> list[list[Any]]:
    """Turn DuckDB's rows into lists, with dynamic cells decoded."""
    dynamic = [i for i, (_, type_) in enumerate(columns) if type_ == "dynamic"]
    decode = msgspec.json.decode
    rows = [list(row) for row in raw]
    for row in rows:
        for i in dynamic:
            if row[i] is not None:
                row[i] = decode(row[i])
    return rows


def _decoded(raw: list[tuple[Any, ...]], columns: tuple[tuple[str, str], ...]) -> Sequence[Sequence[Any]]:
    """Decode dynamic cells; rows without any stay the tuples that they are."""
    return shape(raw, columns) if any(type_ == "dynamic" for _, type_ in columns) else raw


def _literal_of(sql: str) -> str | None:
    """Return the text that an expression is, None where it is more than one plain literal."""
    return sql[1:-1].replace("''", "'") if _LITERAL.fullmatch(sql) else None


def _stop(late: threading.Event, interrupt: Callable[[], None]) -> None:
    """Stop the query that runs: DuckDB between two chunks of rows, our functions between two rows."""
    late.set()
    interrupt()


def _stoppable(call: Callable[..., Any], late: threading.Event) -> Callable[..., Any]:
    """Let a function stop between two rows once the time is over."""

    def run(*args: Any) -> Any:
        if late.is_set():
            raise TimeoutError
        return call(*args)

    return run
