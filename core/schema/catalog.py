"""Reads a schema from PostgreSQL's catalogs, as names with definitions that can be compared.

The definitions are PostgreSQL's own, which leave out the name of a schema that stands on the search path; so two
schemas read alike when each is read with itself in front.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

# Of another program: PgQueuer upgrades its own tables, Alembic its own.
FOREIGN = r"^(queue_|alembic_version)"

# An extension's things are the extension's.
_OWNED = """EXISTS (
        SELECT FROM pg_depend e WHERE e.objid = {oid} AND e.classid = '{catalog}'::regclass AND e.deptype = 'e'
    )"""


def _ours(alias: str, catalog: str, prefix: str) -> str:
    owned = _OWNED.format(oid=f"{alias}.oid", catalog=catalog)
    return f"""{alias}.{prefix}namespace = current_schema()::regnamespace
    AND {alias}.{prefix}name !~ '{FOREIGN}' AND NOT {owned}"""


_OUR_RELATION = _ours("c", "pg_class", "rel")
_OUR_FUNCTION = _ours("p", "pg_proc", "pro")
_OUR_TYPE = _ours("t", "pg_type", "typ")

# One query a kind, each of (name, definition).
_QUERIES = {
    "table": f"""
SELECT c.relname, concat_ws(', ',
    CASE c.relpersistence WHEN 'p' THEN 'permanent' WHEN 'u' THEN 'unlogged' ELSE 'temporary' END,
    array_to_string(c.reloptions, ', '))
FROM pg_class c WHERE {_OUR_RELATION} AND c.relkind IN ('r', 'p')""",
    "column": f"""
SELECT c.relname || '.' || a.attname, concat_ws(' ',
    format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attnotnull THEN 'NOT NULL' END,
    CASE WHEN a.attidentity <> '' THEN 'identity' END,
    CASE a.attgenerated WHEN '' THEN 'DEFAULT ' WHEN 's' THEN 'GENERATED ' ELSE 'VIRTUAL ' END
        || pg_get_expr(d.adbin, d.adrelid),
    CASE WHEN a.attcollation <> y.typcollation THEN 'COLLATE ' || a.attcollation::regcollation END,
    'STORAGE ' || a.attstorage::text)
FROM pg_attribute a
JOIN pg_type y ON y.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
JOIN pg_class c ON c.oid = a.attrelid WHERE {_OUR_RELATION}
    AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped""",
    # NOT NULL stands with the column; only PostgreSQL 18 also lists it here.
    "constraint": f"""
SELECT k.conname || ' on ' || c.relname, pg_get_constraintdef(k.oid, true)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE {_OUR_RELATION} AND k.contype NOT IN ('n', 't')""",
    "index": f"""
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid, 0, true)
    || CASE WHEN i.indisvalid AND i.indisready AND i.indislive THEN '' ELSE ' (unfinished)' END
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE {_OUR_RELATION} AND c.relkind IN ('r', 'p', 'm')""",
    "trigger": f"""
SELECT g.tgname || ' on ' || c.relname, pg_get_triggerdef(g.oid, true)
    || CASE g.tgenabled WHEN 'O' THEN '' WHEN 'D' THEN ' (disabled)' ELSE ' (replication)' END
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid WHERE {_OUR_RELATION} AND NOT g.tgisinternal""",
    "rule": f"""
SELECT r.rulename || ' on ' || c.relname, pg_get_ruledef(r.oid, true)
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE {_OUR_RELATION} AND r.rulename <> '_RETURN'""",
    "view": f"""
SELECT c.relname, concat_ws(' ', array_to_string(c.reloptions, ', '), pg_get_viewdef(c.oid, true))
FROM pg_class c WHERE {_OUR_RELATION} AND c.relkind = 'v'""",
    "relation": f"""
SELECT c.relname, c.relkind::text
FROM pg_class c WHERE {_OUR_RELATION} AND c.relkind IN ('m', 'S', 'f')""",
    "function": f"""
SELECT p.oid::regprocedure::text, concat_ws(' ',
    'RETURNS', pg_get_function_result(p.oid), (SELECT lanname FROM pg_language WHERE oid = p.prolang),
    'kind', p.prokind::text, 'volatile', p.provolatile::text, 'parallel', p.proparallel::text,
    CASE WHEN p.prosecdef THEN 'SECURITY DEFINER' END, CASE WHEN p.proisstrict THEN 'STRICT' END,
    array_to_string(p.proconfig, ', '), pg_get_function_arguments(p.oid), p.prosrc)
FROM pg_proc p WHERE {_OUR_FUNCTION}""",
    "enumeration": f"""
SELECT t.typname, (
    SELECT string_agg(l.enumlabel, ', ' ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = t.oid)
FROM pg_type t WHERE {_OUR_TYPE} AND t.typtype = 'e'""",
}

# What nothing in the schema may have, the tables of other programs included: who is let in, and what they get.
_OPENINGS = f"""
WITH outsiders AS (
    SELECT oid, rolname::text AS name FROM pg_roles WHERE rolname IN ('anon', 'authenticated')
    UNION ALL SELECT 0, 'everybody'
), things AS (
    SELECT c.oid,
        CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' ELSE 'table' END || ' ' || c.relname AS name,
        c.relacl AS acl, 'pg_class'::regclass AS catalog, c.relnamespace AS namespace
    FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT c.oid, 'column ' || c.relname || '.' || a.attname, a.attacl, 'pg_class'::regclass, c.relnamespace
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL
    UNION ALL
    SELECT p.oid, 'function ' || p.proname, coalesce(p.proacl, acldefault('f', p.proowner)),
        'pg_proc'::regclass, p.pronamespace
    FROM pg_proc p
)
SELECT format('The %s is open to %s: %s.', t.name, o.name,
    string_agg(lower(g.privilege_type), ', ' ORDER BY g.privilege_type))
FROM things t, aclexplode(t.acl) g JOIN outsiders o ON o.oid = g.grantee
WHERE t.namespace = current_schema()::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = t.oid AND e.classid = t.catalog AND e.deptype = 'e')
GROUP BY t.name, o.name
UNION ALL
SELECT format('The table %s has a policy, %s.', c.relname, p.polname)
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace = current_schema()::regnamespace
UNION ALL
SELECT format('The table %s has row level security off.', c.relname)
FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
    AND NOT {_OWNED.format(oid="c.oid", catalog="pg_class")}
ORDER BY 1
"""


async def read_schema(connection: AsyncConnection) -> dict[str, str]:
    """Return everything in the current schema: kind and name → definition, with runs of white space made one."""
    found = {}
    for kind, query in _QUERIES.items():
        rows: Sequence[Any] = (await connection.exec_driver_sql(query)).all()
        for name, definition in rows:
            found[f"{kind} {name}"] = re.sub(r"\s+", " ", definition or "").strip()
    return found


async def read_openings(connection: AsyncConnection) -> list[str]:
    """Return a sentence for each way in that the current schema leaves to people from outside; none is right."""
    return [str(row[0]) for row in await connection.exec_driver_sql(_OPENINGS)]
