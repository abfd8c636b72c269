"""Opens model files, for ``serve``, ``evaluate``, ``drift``, ``model show`` and the clouds' containers alike.

All of them accept the same files and score with the same trees.
"""

import hashlib
from pathlib import Path

import msgspec

from leadscoring import lead
from leadscoring._engine import count_colons
from leadscoring.contract.decode import LeadDecoder
from leadscoring.errors import ModelAltered, ModelUnsupported, UnexpectedModelVersion
from leadscoring.model.card import ATTRIBUTE, SEAL, Card, read_card
from leadscoring.model.content import read_content
from leadscoring.model.document import read_header
from leadscoring.model.loaded import LoadedModel, check_contract, check_golden_rows, encoder, sealed
from leadscoring.model.plain import plain_card
from leadscoring.model.rounds import Choice
from leadscoring.model.trees import TreeEnsemble


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """Options for opening a model whose file may lack the information.

    ``version`` is the expected version, empty for any. ``rounds`` selects the rounds of an early-stopped model.
    ``missing`` is the number that means missing: NaN for none, ``None`` to use the file's.
    """

    version: str = ""
    rounds: Choice = "auto"
    missing: float | None = None


AS_IT_IS = Opening()


def open_model(path: str | Path, opening: Opening = AS_IT_IS) -> LoadedModel:
    """Opens the model file at ``path``, ready to score.

    Raises ``ModelNotFound``, ``ModelUnreadable`` or ``ModelUnsupported`` for the file, ``CardInvalid``,
    ``ModelAltered`` or ``GoldenRowMismatch`` for its card, and ``UnexpectedModelVersion`` if the version is not the
    expected one.
    """
    return model_of(read_content(path), path, opening)


def model_of(data: bytes, path: str | Path, opening: Opening = AS_IT_IS) -> LoadedModel:
    """Opens a model from bytes read from ``path``. Raises as ``open_model`` does, except ``ModelNotFound``."""
    trees = TreeEnsemble.from_bytes(data, str(path), opening.rounds)
    sha256 = hashlib.sha256(data).hexdigest()
    text = trees.attributes.get(ATTRIBUTE)
    if text is None:
        card = plain_card(trees, Path(path).stem, opening.version or sha256[:12], opening.missing)
    else:
        card = certified_card(trees, text, opening)
    check_contract(card.contract, trees)
    check_golden_rows(card, trees)
    if opening.version and card.version != opening.version:
        raise UnexpectedModelVersion(opening.version, card.version)
    return LoadedModel(
        trees=trees,
        card=card,
        names=tuple(card.contract.names),
        decoder=LeadDecoder(card.contract, encoder(card.contract).encode, count_colons),
        identity=lead.Model(card.name, card.version),
        sha256=sha256,
        certified=text is not None,
        rare=tuple(frozenset(feature.rare) for feature in card.contract.features),
    )


def certified_card(trees: TreeEnsemble, text: str, opening: Opening) -> Card:
    """The card of a model, after verifying that neither the card nor the trees were altered.

    Raises ``CardInvalid``, ``ModelAltered``, or ``ModelUnsupported`` if an option contradicts the card.
    """
    card = read_card(text)
    if trees.attributes.get(SEAL, seal := sealed(trees, text)) != seal:
        raise ModelAltered
    if opening.missing is not None:
        raise ModelUnsupported(
            "a value that means missing (MODEL_MISSING, --missing-value) is only for models without a card; "
            f"the card of {card.name!r} {card.version!r} defines what each feature allows"
        )
    return card


def identity_of(path: str | Path) -> lead.Model | None:
    """Name and version of the model in a file, without further checks; ``None`` if it has no card.

    Raises a ``ModelError`` if the file is not a model.
    """
    text = read_header(read_content(path)).attributes.get(ATTRIBUTE)
    if text is None:
        return None
    card = read_card(text)
    return lead.Model(card.name, card.version)
