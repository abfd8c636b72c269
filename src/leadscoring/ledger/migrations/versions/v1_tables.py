"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Makes every table. PostgreSQL keeps scores in one partition a month, made by the keeper as months come."""
    make_leads()
    make_scores()
    make_outcomes()
    make_acts()
    make_counts()


def make_leads() -> None:
    """Leads, and the models that score them."""
    op.create_table(
        "lead",
        sa.Column("number", Number),
        sa.Column("key", sa.LargeBinary(16), nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("last_score", Number),
        sa.Column("last_first_at", sa.BigInteger),
        sa.Column("last_row", sa.LargeBinary(16)),
        sa.Column("objected_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("number", name="pk_lead"),
        sa.UniqueConstraint("key", name="uq_lead_key"),
    )
    op.create_table(
        "model",
        sa.Column("number", Number),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("file", sa.LargeBinary, nullable=False),
        sa.Column("made_from", Number, sa.ForeignKey("model.number", name="fk_model_made_from")),
        sa.Column("how", sa.String(16), nullable=False),
        sa.Column("trained_until", sa.BigInteger),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_model"),
        sa.UniqueConstraint("sha256", name="uq_model_sha256"),
    )


def make_scores() -> None:
    """Scores, and those of shadows."""
    split = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "score",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("lead", Number),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("as_of", sa.BigInteger),
        sa.Column("model", Number, nullable=False),
        sa.Column("margin", sa.Double, nullable=False),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("tier", sa.String(1), nullable=False),
        sa.Column("row", sa.LargeBinary, nullable=False),
        sa.Column("unseen", sa.Text),
        sa.Column("request", sa.Text),
        sa.Column("flags", sa.SmallInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", *(["first_at"] if split else []), name="pk_score"),
        postgresql_partition_by="RANGE (first_at)",
    )
    op.create_index("ix_score_lead_first_at", "score", ["lead", "first_at"])
    op.create_index("ix_score_first_at", "score", ["first_at"])
    if split:
        op.execute("CREATE TABLE score_else PARTITION OF score DEFAULT")
    op.create_table(
        "shadow",
        sa.Column("score", Number, autoincrement=False),
        sa.Column("model", Number, autoincrement=False),
        sa.Column("margin", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("score", "model", name="pk_shadow"),
    )


def make_outcomes() -> None:
    """Outcomes, as they came."""
    op.create_table(
        "outcome",
        sa.Column("number", Number),
        sa.Column("lead", Number, sa.ForeignKey("lead.number", name="fk_outcome_lead"), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("event", sa.LargeBinary(32), nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("source", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_outcome"),
        sa.UniqueConstraint("event", name="uq_outcome_event"),
    )
    op.create_index("ix_outcome_lead_occurred_at", "outcome", ["lead", "occurred_at"])
    op.create_index("ix_outcome_received_at", "outcome", ["received_at"])


def make_acts() -> None:
    """What somebody did."""
    op.create_table(
        "act",
        sa.Column("number", Number),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("model", Number),
        sa.Column("before", Number),
        sa.Column("reason", sa.Text),
        sa.Column("report", sa.Text),
        sa.PrimaryKeyConstraint("number", name="pk_act"),
    )


def make_counts() -> None:
    """Sums of days, what of the tape is here, who was erased, and by which secret leads have keys."""
    op.create_table(
        "day",
        sa.Column("day", sa.Integer, autoincrement=False),
        sa.Column("model", Number, autoincrement=False),
        sa.Column("group", sa.String(64)),
        sa.Column("tier", sa.String(1)),
        sa.Column("leads", sa.BigInteger, nullable=False),
        sa.Column("expected", sa.Double, nullable=False),
        sa.Column("variance", sa.Double, nullable=False),
        sa.Column("won", sa.BigInteger, nullable=False),
        sa.Column("lost", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("day", "model", "group", "tier", name="pk_day"),
    )
    op.create_table(
        "segment",
        sa.Column("name", sa.String(128)),
        sa.Column("moved_to", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_segment"),
    )
    op.create_table(
        "erased",
        sa.Column("key", sa.LargeBinary(16)),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_erased"),
    )
    op.create_table(
        "key_check",
        sa.Column("number", Number),
        sa.Column("value", sa.LargeBinary(16), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_key_check"),
    )
