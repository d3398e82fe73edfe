"""The one SQL statement of a search.

Every step is a fence (MATERIALIZED, or OFFSET 0 inside a LATERAL), so that no plan of PostgreSQL's can be an
approximate one: left to itself it takes the IVFFlat index for some class-scoped searches and loses hits in silence.
Values are made once, in the first steps, because a cast of a parameter inside a row expression runs once a row.

1. `knowledge`, `sources`, `totals`: the settings, the published revisions in scope, how many chunks and words they
   hold. Nothing further runs when the query was embedded with another model than the chunks.
2. `terms`: the question's stemmed words without stop words, at most MOST_TERMS, those it repeats most often first.
3. `postings`: one GIN scan a term for "this word, in this class", giving how often each chunk in scope holds it. The
   frequency is taken out of `ts_rank`, which for a single word of weight D is 0.1 · H(tf) / 1.64493406685 with
   H(n) = 1/1² + … + 1/n² (calc_rank_or in PostgreSQL's tsrank.c); what is left to the limit π²/6 is close to
   1 / (n + ½), so that rounding gives n back exactly, for all n up to the 255 positions a tsvector keeps. This reads
   no positions in SQL, which makes exact BM25 several times faster than unnesting the tsvectors.
4. `lexical`: BM25 (Robertson & Zaragoza 2009) with Lucene's constants and its never-negative idf.
5. `near`: the chunks whose sign bits differ least from the query's, read off a covering index; step 6 compares them
   exactly, which in a small scope are all there are. Hashed words have no useful sign bits and add nothing to BM25:
   they are compared, exactly, only when the words alone found too little.
6. `candidates`: both legs' best with their exact similarity, each leg scaled by its best score, then added by weight.
"""

# Two statements rather than one with a null parameter: that one looks cheaper to plan afresh for every class-scoped
# search than to keep, and planning takes as long as searching.
_LESSON = """AND (
        s.lesson_unit_id = :lesson_unit_id
        OR s.material_id IN (
            SELECT m.material_id FROM published_lesson_unit_materials m WHERE m.lesson_unit_id = :lesson_unit_id
        )
    )"""

MOST_TERMS = 32
LEXICAL_CANDIDATES = 100
# Of n chunks, n · 96 / dimension are compared exactly: the fewer sign bits, the less they say. Measured with MiniLM's
# 384 on real questions, that keeps an exact search's top 8 whole in all 2,381 of them, where a flat 200 keeps 99.1%.
CANDIDATE_BITS = 96
K1, B = 1.2, 0.75
TERM_FREQUENCY = "round(1 / (1.6449340668482264 - 16.4493406685 * ts_rank({tsv}, {term})::float8) - 0.5)"

_SEARCH = rf"""
WITH knowledge AS MATERIALIZED (
    SELECT k.embedding_model, k.embedding_model = :embedding_model AS live, c.language,
        coalesce(:limit, k.top_k) AS wanted, k.minimum_similarity, k.rerank_candidates,
        k.lexical_weight, k.vector_weight
    FROM admin_knowledge_settings k
    LEFT JOIN classes c ON c.id = :class_id AND c.deleted_at IS NULL
    WHERE k.deleted_at IS NULL
), asked AS MATERIALIZED (
    SELECT CAST(:vector AS vector) AS vector, binary_quantize(CAST(:vector AS vector)) AS bits,
        quote_literal('class:' || CAST(:class_id AS text))::tsquery AS class
), sources AS MATERIALIZED (
    SELECT s.* FROM published_sources s
    WHERE s.class_id = :class_id AND (SELECT live FROM knowledge)
    {{scope}}
), totals AS MATERIALIZED (
    SELECT greatest(sum(chunk_count), 1)::float8 AS chunks,
        greatest(sum(token_count)::float8 / greatest(sum(chunk_count), 1), 1) AS mean_words
    FROM sources
), terms AS MATERIALIZED (
    SELECT ('''' || replace(replace(t.lexeme, '\', '\\'), '''', '''''') || '''')::tsquery AS term
    FROM knowledge k, search_tsvector(k.language, :question) AS question, unnest(question) AS t
    ORDER BY cardinality(t.positions) DESC, t.positions[1]
    LIMIT {MOST_TERMS}
), postings AS MATERIALIZED (
    SELECT ln(1 + (greatest(t.chunks, f.chunks) - f.chunks + 0.5) / (f.chunks + 0.5)) AS idf, f.ids, f.weights
    FROM (SELECT terms.term, term && asked.class AS here, chunks, mean_words FROM terms, asked, totals) AS t
    CROSS JOIN LATERAL (
        SELECT count(*)::float8 AS chunks, array_agg(m.id) AS ids,
            array_agg(m.tf * {K1 + 1} / (m.tf + {K1} * ({1 - B} + {B} * m.token_count / t.mean_words))) AS weights
        FROM (
            SELECT c.id, c.revision_id, c.generation, c.token_count,
                {TERM_FREQUENCY.format(tsv="c.tsv", term="t.term")} AS tf
            FROM material_chunks c WHERE c.tsv @@ t.here
            OFFSET 0
        ) AS m
        JOIN sources s ON s.revision_id = m.revision_id AND s.generation = m.generation
    ) AS f
), lexical AS MATERIALIZED (
    SELECT p.id, sum(postings.idf * p.weight) AS score,
        sum(postings.idf) / (SELECT sum(idf) FROM postings) AS coverage
    FROM postings, unnest(postings.ids, postings.weights) AS p (id, weight)
    GROUP BY p.id
), worded AS MATERIALIZED (
    SELECT id FROM lexical ORDER BY score DESC, id LIMIT {LEXICAL_CANDIDATES}
), near AS MATERIALIZED (
    SELECT c.id
    FROM asked, sources s
    CROSS JOIN LATERAL (
        SELECT i.id, i.bits FROM material_chunks i
        WHERE i.revision_id = s.revision_id AND i.generation = s.generation
        OFFSET 0
    ) AS c
    ORDER BY c.bits <~> asked.bits, c.id
    LIMIT (
        SELECT CASE
            WHEN :semantic THEN greatest(
                rerank_candidates, (SELECT chunks * {CANDIDATE_BITS} / vector_dims(vector) FROM totals, asked)::bigint
            )
            WHEN (SELECT count(*) FROM worded) < wanted THEN (SELECT chunks FROM totals)::bigint
            ELSE 0
        END
        FROM knowledge
    )
), candidates AS MATERIALIZED (
    SELECT c.*, coalesce(l.score, 0) AS lexical, coalesce(l.coverage, 0) AS coverage
    FROM asked, (SELECT id FROM worded UNION SELECT id FROM near) AS u
    CROSS JOIN LATERAL (
        SELECT i.id, i.revision_id, i.ordinal, 1 - (i.embedding <=> asked.vector) AS similarity
        FROM material_chunks i WHERE i.id = u.id
        OFFSET 0
    ) AS c
    LEFT JOIN lexical l ON l.id = c.id
), hits AS MATERIALIZED (
    SELECT c.*, (
            k.lexical_weight * c.lexical / greatest(max(c.lexical) OVER (), 1e-9)
            + v.weight * c.similarity / greatest(max(c.similarity) OVER (), 1e-9)
        ) / (k.lexical_weight + v.weight) AS score
    FROM candidates c, knowledge k, LATERAL (
        -- Hashed words only order what the words themselves did not find.
        SELECT CASE WHEN :semantic OR NOT EXISTS (SELECT FROM worded) THEN k.vector_weight ELSE 0 END AS weight
    ) AS v
    WHERE c.lexical > 0 OR c.similarity >= k.minimum_similarity
    ORDER BY score DESC, c.similarity DESC, c.ordinal, c.id
    LIMIT (SELECT wanted FROM knowledge)
)
SELECT k.embedding_model, h.id, h.score, h.similarity, h.coverage, c.context, c.text, c.locator, s.title, s.kind,
    s.material_id, s.lesson_unit_id, s.material_revision_id, s.lesson_unit_revision_id, s.external_id
FROM knowledge k
LEFT JOIN (hits h JOIN sources s ON s.revision_id = h.revision_id JOIN LATERAL (
    SELECT i.context, i.text, i.locator FROM material_chunks i WHERE i.id = h.id OFFSET 0
) AS c ON true) ON true
ORDER BY h.score DESC, h.similarity DESC, h.ordinal, h.id
"""

SEARCH_CLASS = _SEARCH.format(scope="")
SEARCH_LESSON = _SEARCH.format(scope=_LESSON)
