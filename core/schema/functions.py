"""The database functions and triggers that hold the four principles, whatever a program does."""

from __future__ import annotations

from sqlalchemy import Table

from core.content.revisions import Revision, Root
from core.db import Base

# Scripts written without spaces between words: Thai to Khmer, kana, Han.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3021-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
# Marks and symbols that are no part of a word: Latin-1's, Arabic, the general blocks (dashes, quotes, arrows, bullets,
# mathematics), CJK and full-width ones, private use, emoji.
_MARKS = (
    r"/_\u0080-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u060c\u061b\u061f\u06d4\u2000-\u206f"
    r"\u20a0-\u20bf\u2190-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\ue000-\uf8ff\ufe00-\ufe6f\ufeff-\uff0f"
    r"\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\ufff0-\uffff\U0001f000-\U0001faff"
)

# One statement each, in order of creation.
FUNCTIONS = {
    "refuse_delete": """
CREATE FUNCTION refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never deleted; set deleted_at instead', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$""",
    "refuse_update": """
CREATE FUNCTION refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % never change', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$""",
    # Arguments: the columns that a published revision keeps for ever.
    "refuse_published_change": """
CREATE FUNCTION refuse_published_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := to_jsonb(OLD);
    after jsonb := to_jsonb(NEW);
    kept text;
BEGIN
    FOREACH kept IN ARRAY TG_ARGV LOOP
        IF before -> kept IS DISTINCT FROM after -> kept THEN
            RAISE EXCEPTION 'a published revision never changes (%.%)', TG_TABLE_NAME, kept
                USING ERRCODE = 'restrict_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$""",
    # Saving a draft touches nothing published; releasing copies (principle 2). Taking a release back clears it all.
    "require_release_to_copy": """
CREATE FUNCTION require_release_to_copy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.released_at IS NOT NULL
        AND (NEW.published_score, NEW.published_feedback, NEW.published_status)
            IS DISTINCT FROM (NEW.draft_score, NEW.draft_feedback, NEW.draft_status)
    THEN
        RAISE EXCEPTION 'a grade is released by copying its draft' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$""",
    # Argument: the root's revision table.
    "require_published_target": """
CREATE FUNCTION require_published_target() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    published boolean;
BEGIN
    IF NEW.published_revision_id IS NOT NULL THEN
        EXECUTE format(
            'SELECT visibility_state = ''PUBLISHED'' AND deleted_at IS NULL FROM %I.%I WHERE id = $1',
            TG_TABLE_SCHEMA, TG_ARGV[0]
        ) INTO published USING NEW.published_revision_id;
        IF published IS NOT TRUE THEN
            RAISE EXCEPTION 'students can only be shown a published revision of %', TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$""",
    # Words for the text-search parser, which would take "input/output" and "snake_case" for one word each, where the
    # database's LC_CTYPE is C a word for one with the quotes and dashes around it, and a run of a script without spaces
    # for one word: of such a run the words are its overlapping character pairs.
    "search_text": rf"""
CREATE FUNCTION search_text(body text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN octet_length(body) = length(body) THEN translate(body, '/_', '  ')
        WHEN body !~ '[{_UNSPACED}]' THEN regexp_replace(body, '[{_MARKS}]+', ' ', 'g')
        ELSE (
            SELECT string_agg(
                CASE
                    WHEN part[2] IS NULL THEN regexp_replace(part[1], '[{_MARKS}]+', ' ', 'g')
                    ELSE (
                        SELECT string_agg(substr(part[2], at, 2), ' ' ORDER BY at)
                        FROM generate_series(1, greatest(length(part[2]) - 1, 1)) AS at
                    )
                END, ' ' ORDER BY place
            )
            FROM regexp_matches(body, '([^{_UNSPACED}]+)|([{_UNSPACED}]+)', 'g') WITH ORDINALITY AS run (part, place)
        )
    END
$$""",
    "search_tsvector": """
CREATE FUNCTION search_tsvector(language text, body text) RETURNS tsvector LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT to_tsvector(language::regconfig, search_text(body))
$$""",
    "index_chunk": """
CREATE FUNCTION index_chunk() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    words tsvector := search_tsvector(NEW.language, NEW.context || ' ' || NEW.text);
BEGIN
    NEW.tsv := words || array_to_tsvector(ARRAY['class:' || NEW.class_id]);
    NEW.token_count := (SELECT coalesce(sum(cardinality(positions)), 0) FROM unnest(words));
    RETURN NEW;
END $$""",
}

# Supabase serves the public schema over its API: every table is locked by row level security without a policy, and
# whatever its two API roles were granted by default is taken back. Called after every change of the schema.
LOCK_DOWN = """
CREATE FUNCTION lock_down() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    thing record;
    outsider text;
    outsiders text[] := ARRAY(SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated'));
BEGIN
    FOR thing IN
        SELECT c.oid::regclass AS name, c.relkind, c.relrowsecurity
        FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
            AND pg_has_role(c.relowner, 'MEMBER')
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    LOOP
        IF thing.relkind IN ('r', 'p') AND NOT thing.relrowsecurity THEN
            EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', thing.name);
        END IF;
        FOREACH outsider IN ARRAY outsiders || 'PUBLIC'::text LOOP
            EXECUTE format(
                'REVOKE ALL ON %s %s FROM %s',
                CASE thing.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                thing.name,
                CASE outsider WHEN 'PUBLIC' THEN outsider ELSE quote_ident(outsider) END
            );
        END LOOP;
    END LOOP;
    FOR thing IN
        SELECT p.oid::regprocedure AS name FROM pg_proc p
        WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind <> 'a'
            AND pg_has_role(p.proowner, 'MEMBER')
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP
        FOREACH outsider IN ARRAY outsiders || 'PUBLIC'::text LOOP
            EXECUTE format(
                'REVOKE ALL ON ROUTINE %s FROM %s',
                thing.name,
                CASE outsider WHEN 'PUBLIC' THEN outsider ELSE quote_ident(outsider) END
            );
        END LOOP;
    END LOOP;
END $$"""

# The inbox is cleared when it is done, expired codes are swept: neither is an entity.
DELETABLE = frozenset({"inbox_events", "link_codes"})
IMMUTABLE = frozenset({"audit_logs", "material_chunks", "chat_message_citations"})


def triggers(table: Table) -> list[str]:
    """Return the CREATE TRIGGER statements that a table needs."""
    statements = []
    name = table.name
    if name not in DELETABLE:
        statements.append(
            f"CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON {name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()"
        )
    if name in IMMUTABLE:
        statements.append(
            f"CREATE TRIGGER refuse_update BEFORE UPDATE ON {name} FOR EACH STATEMENT EXECUTE FUNCTION refuse_update()"
        )
    if name == "assignment_grade_rows":
        statements.append(
            "CREATE TRIGGER require_release_to_copy BEFORE INSERT OR UPDATE OF "
            f"published_score, published_feedback, published_status, released_at ON {name} "
            "FOR EACH ROW EXECUTE FUNCTION require_release_to_copy()"
        )
    if name == "material_chunks":
        statements.append(
            f"CREATE TRIGGER index_chunk BEFORE INSERT ON {name} FOR EACH ROW EXECUTE FUNCTION index_chunk()"
        )
    for mapper in Base.registry.mappers:
        kind = mapper.class_
        if mapper.local_table is not table:
            continue
        if issubclass(kind, Revision):
            kept = ", ".join(
                f"'{column}'"
                for column in (
                    "id",
                    kind.root_key,
                    "revision_number",
                    "visibility_state",
                    "published_at",
                    *kind.content_columns,
                )
            )
            statements.append(
                f"CREATE TRIGGER refuse_published_change BEFORE UPDATE ON {name} FOR EACH ROW "
                f"WHEN (OLD.visibility_state = 'PUBLISHED') EXECUTE FUNCTION refuse_published_change({kept})"
            )
        if issubclass(kind, Root):
            statements.append(
                f"CREATE TRIGGER require_published_target BEFORE INSERT OR UPDATE OF published_revision_id ON {name} "
                f"FOR EACH ROW EXECUTE FUNCTION require_published_target('{kind.revision_table}')"
            )
    return statements


def storage(table: Table) -> list[str]:
    """Return the storage settings of a table with vectors, which apply to rows written later (retrieval.md)."""
    if table.name != "material_chunks":
        return []
    # Out-of-line vectors cost more to fetch than to compare; SET STORAGE in CREATE TABLE needs PostgreSQL 16. The
    # target keeps a row whole and uncompressed for as long as it fits a page: ranking reads `tsv` once a term.
    return [
        (
            "ALTER TABLE material_chunks ALTER COLUMN embedding SET STORAGE MAIN, ALTER COLUMN bits SET STORAGE MAIN, "
            "ALTER COLUMN tsv SET STORAGE MAIN"
        ),
        "ALTER TABLE material_chunks SET (toast_tuple_target = 8160)",
    ]
