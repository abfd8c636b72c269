"""The tables of the ledger: every lead, score, outcome, model and act.

Moments are microseconds since 1970 in UTC. What can be recomputed from these rows is not stored.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Number = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only if their number is an INTEGER."""

KEY_BYTES = 16

lead = Table(
    "lead",
    metadata,
    Column("number", Number, primary_key=True),
    Column("key", LargeBinary(KEY_BYTES), nullable=False, unique=True, comment="keyed BLAKE2b of the lead's id"),
    Column("name", Text, comment="the id itself, only with LEDGER_LEAD_IDS=plain"),
    Column("last_score", Number, comment="the number of its latest score"),
    Column("last_first_at", BigInteger, comment="the first_at of that score, by which PostgreSQL finds its partition"),
    Column("last_row", LargeBinary(16), comment="digest of that score's row, model and unseen texts"),
    Column("objected_at", BigInteger),
)

model = Table(
    "model",
    metadata,
    Column("number", Number, primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("file", LargeBinary, nullable=False),
    Column("made_from", Number, ForeignKey("model.number")),
    Column("how", String(16), nullable=False, comment="trained, recalibrated or registered"),
    Column("trained_until", BigInteger),
    Column("added_at", BigInteger, nullable=False),
)

score = Table(
    "score",
    metadata,
    Column("number", Number, primary_key=True, comment="in PostgreSQL unique with first_at, its partition"),
    Column("lead", Number, comment="unset for a row without an id: replayable, never joined to an outcome"),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("times", Integer, nullable=False),
    Column("as_of", BigInteger, comment="the moment as of which the lead was scored, if its model has dates"),
    Column("model", Number, nullable=False),
    Column("margin", Double, nullable=False),
    Column("probability", Double, nullable=False),
    Column("tier", String(1), nullable=False),
    Column("row", LargeBinary, nullable=False, comment="float32, little endian, one per column of the model"),
    Column("unseen", Text, comment="JSON: texts by feature that training had not seen"),
    Column("request", Text),
    Column("flags", SmallInteger, nullable=False, default=0),
    Index("ix_score_lead_first_at", "lead", "first_at"),
    Index("ix_score_first_at", "first_at"),
)

outcome = Table(
    "outcome",
    metadata,
    Column("number", Number, primary_key=True),
    Column("lead", Number, ForeignKey("lead.number"), nullable=False),
    Column("kind", String(8), nullable=False, comment="won, lost or open"),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("event", LargeBinary(32), nullable=False, unique=True, comment="digest of the id sent, else of the content"),
    Column("value", Double),
    Column("source", Text, nullable=False, comment="label of the API key, or of the command"),
    Index("ix_outcome_lead_occurred_at", "lead", "occurred_at"),
    Index("ix_outcome_received_at", "received_at"),
)

act = Table(
    "act",
    metadata,
    Column("number", Number, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("act", String(16), nullable=False),
    Column("model", Number),
    Column("before", Number),
    Column("reason", Text),
    Column("report", Text, comment="JSON"),
)

shadow = Table(
    "shadow",
    metadata,
    Column("score", Number, primary_key=True, autoincrement=False),
    Column("model", Number, primary_key=True, autoincrement=False),
    Column("margin", Double, nullable=False),
)

day = Table(
    "day",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False, comment="days since 1970 in UTC"),
    Column("model", Number, primary_key=True, autoincrement=False),
    Column("group", String(64), primary_key=True),
    Column("tier", String(1), primary_key=True),
    Column("leads", BigInteger, nullable=False),
    Column("expected", Double, nullable=False),
    Column("variance", Double, nullable=False),
    Column("won", BigInteger, nullable=False),
    Column("lost", BigInteger, nullable=False),
)

segment = Table(
    "segment",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("moved_to", BigInteger, nullable=False, comment="bytes of the segment that are in this ledger"),
)

erased = Table(
    "erased",
    metadata,
    Column("key", LargeBinary(KEY_BYTES), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

key_check = Table(
    "key_check",
    metadata,
    Column("number", Number, primary_key=True, comment="always 1"),
    Column("value", LargeBinary(KEY_BYTES), nullable=False, comment="the key of a fixed text: of one secret alone"),
)
