"""What students see: the `published_…` views, each with its SQL; `core/published.py` has them as tables to select from.

They hold only what is published, undeleted and in a living class; student-facing code reads nothing else. What hangs
on a thing of another class is not shown.
"""

from __future__ import annotations

VIEWS = {
    "published_modules": """
SELECT m.id, m.class_id, m.position, r.id AS revision_id, r.title, r.description, r.published_at
FROM modules m
JOIN classes c ON c.id = m.class_id AND c.deleted_at IS NULL
JOIN module_revisions r ON r.id = m.published_revision_id AND r.deleted_at IS NULL
WHERE m.deleted_at IS NULL AND r.visibility_state = 'PUBLISHED'""",
    "published_lesson_units": """
SELECT l.id, l.class_id, l.module_id, l.position, m.position AS module_position,
    r.id AS revision_id, r.title, r.body, r.published_at,
    r.chunk_generation, r.chunk_count, r.token_count, l.external_id
FROM lesson_units l
JOIN published_modules m ON m.id = l.module_id AND m.class_id = l.class_id
JOIN lesson_unit_revisions r ON r.id = l.published_revision_id AND r.deleted_at IS NULL
WHERE l.deleted_at IS NULL AND r.visibility_state = 'PUBLISHED'""",
    # A material that is linked only to hidden lessons is hidden with them.
    "published_materials": """
SELECT m.id, m.class_id, m.kind, m.position, r.id AS revision_id, r.title, r.filename, r.media_type, r.byte_size,
    r.storage_key, r.page_count, r.published_at, r.chunk_generation, r.chunk_count, r.token_count, m.external_id
FROM materials m
JOIN classes c ON c.id = m.class_id AND c.deleted_at IS NULL
JOIN material_revisions r ON r.id = m.published_revision_id AND r.deleted_at IS NULL
WHERE m.deleted_at IS NULL AND r.visibility_state = 'PUBLISHED' AND r.processing_status = 'READY'
    AND (
        NOT EXISTS (SELECT FROM lesson_unit_materials k WHERE k.material_id = m.id AND k.deleted_at IS NULL)
        OR EXISTS (
            SELECT FROM lesson_unit_materials k JOIN published_lesson_units l ON l.id = k.lesson_unit_id
            WHERE k.material_id = m.id AND k.deleted_at IS NULL AND l.class_id = m.class_id
        )
    )""",
    "published_lesson_unit_materials": """
SELECT k.lesson_unit_id, k.material_id, k.position
FROM lesson_unit_materials k
JOIN published_lesson_units l ON l.id = k.lesson_unit_id
JOIN published_materials m ON m.id = k.material_id AND m.class_id = l.class_id
WHERE k.deleted_at IS NULL""",
    "published_assignments": """
SELECT a.id, a.class_id, a.module_id, a.lesson_unit_id, a.position, r.id AS revision_id, r.title, r.instructions,
    r.points, r.weight, r.opens_at, r.due_at, r.closes_at, r.ai_policy, r.published_at
FROM assignments a
JOIN classes c ON c.id = a.class_id AND c.deleted_at IS NULL
JOIN assignment_revisions r ON r.id = a.published_revision_id AND r.deleted_at IS NULL
WHERE a.deleted_at IS NULL AND r.visibility_state = 'PUBLISHED'
    AND (a.module_id IS NULL OR (a.module_id, a.class_id) IN (SELECT id, class_id FROM published_modules))
    AND (
        a.lesson_unit_id IS NULL
        OR (a.lesson_unit_id, a.class_id) IN (SELECT id, class_id FROM published_lesson_units)
    )""",
    # The revisions whose chunks may be retrieved: a lesson's own text, and materials.
    "published_sources": """
SELECT l.class_id, l.revision_id, l.revision_id AS lesson_unit_revision_id, NULL::uuid AS material_revision_id,
    l.id AS lesson_unit_id, NULL::uuid AS material_id, NULL::material_kind AS kind, l.title, l.external_id,
    l.chunk_generation AS generation, l.chunk_count, l.token_count
FROM published_lesson_units l
UNION ALL
SELECT m.class_id, m.revision_id, NULL::uuid, m.revision_id, NULL::uuid, m.id, m.kind, m.title, m.external_id,
    m.chunk_generation, m.chunk_count, m.token_count
FROM published_materials m""",
    "published_chunks": """
SELECT c.id, s.class_id, s.lesson_unit_id, s.material_id, c.lesson_unit_revision_id, c.material_revision_id,
    s.title, s.external_id, c.ordinal, c.context, c.text, c.locator
FROM published_sources s
JOIN material_chunks c ON c.revision_id = s.revision_id AND c.generation = s.generation""",
    "published_grades": """
SELECT g.id, a.class_id, g.assignment_id, g.student_user_id, g.published_score AS score,
    g.published_status AS status, g.published_feedback AS feedback, g.published_points AS points,
    g.published_weight AS weight, g.released_at
FROM assignment_grade_rows g
JOIN published_assignments a ON a.id = g.assignment_id
JOIN class_memberships s ON s.class_id = a.class_id AND s.app_user_id = g.student_user_id
    AND s.role = 'STUDENT' AND s.deleted_at IS NULL
WHERE g.deleted_at IS NULL AND g.released_at IS NOT NULL""",
    # More time for one student counts at once; it is no part of the grade that stands on the same row.
    "published_extensions": """
SELECT a.class_id, g.assignment_id, g.student_user_id, g.extension_due_at AS due_at
FROM assignment_grade_rows g
JOIN published_assignments a ON a.id = g.assignment_id
JOIN class_memberships s ON s.class_id = a.class_id AND s.app_user_id = g.student_user_id
    AND s.role = 'STUDENT' AND s.deleted_at IS NULL
WHERE g.deleted_at IS NULL AND g.extension_due_at IS NOT NULL""",
}


def create_view(name: str) -> str:
    """Return the statement that makes a view, which checks row level security as the person who reads it."""
    return f"CREATE VIEW {name} WITH (security_invoker = true) AS{VIEWS[name]}"
