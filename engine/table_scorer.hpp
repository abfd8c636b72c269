#pragma once

#include <cstdint>
#include <vector>

#include "arrays.hpp"
#include "cells.hpp"
#include "reasons.hpp"

namespace leadscoring {

// Scores tables, column by column: checks and encodes their cells, and computes margins and the strongest reasons, with
// the same bits as lead by lead. Immutable.
class TableScorer {
  public:
    // `rules` has one for each column of the forest, `finder` how their contributions become reasons.
    TableScorer(nb::object finder, nb::handle rules);

    // Scores the leads from `first` until before `last` of a table with a column for each of the forest. Writes to arrays
    // with a row for each lead of the table: `doubtful` (1 for a lead that a contract might refuse; others stay as they
    // are), `margins` and, with `limit` columns, of the strongest reasons the `features` (-1 for none), `contributions`,
    // leading `columns` of the features, their `values` as the trees see them, and as they were `sent`.
    void score(nb::handle columns, int64_t first, int64_t last, int64_t limit, nb::handle doubtful, nb::handle margins,
               nb::handle features, nb::handle contributions, nb::handle leading, nb::handle values,
               nb::handle sent) const;

    // Writes the rows of a table as the trees see them, lead by lead, to an array of shape (leads, columns).
    void rows(nb::handle columns, nb::handle values) const;

  private:
    struct Out;
    class Worker;
    nb::object owner_;
    const ReasonFinder* finder_;
    std::vector<CellRule> rules_;
};

void bind_table_scorer(nb::module_& m);

}  // namespace leadscoring
