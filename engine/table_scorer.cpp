#include "table_scorer.hpp"

#include <algorithm>
#include <limits>

namespace leadscoring {

namespace {

const ReasonFinder* finder_of(nb::handle finder) {
    if (!nb::isinstance<ReasonFinder>(finder)) throw nb::type_error("a finder of reasons is needed");
    return nb::cast<const ReasonFinder*>(finder);
}

}  // namespace

// The arrays of the caller, from the first lead of the table on.
struct TableScorer::Out {
    uint8_t* doubtful;
    double* margins;
    int32_t* features;
    double* contributions;
    int32_t* leading;
    float* values;
    double* sent;
};

// The memory of one thread, and what it does with one part of the table after the other.
class TableScorer::Worker {
  public:
    Worker(const TableScorer& scorer, const std::vector<Cells>& cells, size_t limit, const Out& out)
        : scorer_(scorer),
          finder_(*scorer.finder_),
          forest_(finder_.forest()),
          cells_(cells),
          limit_(limit),
          sums_(finder_.several()),
          features_(sums_ ? finder_.features() : size_t(forest_.n_features())),
          out_(out),
          encoded_(size_t(forest_.n_features()) * kPart),
          summed_(sums_ ? features_ * kLanes : 0),
          leading_(sums_ ? features_ * kLanes : 0),
          found_(std::max<size_t>(1, std::min(limit, features_)) * kLanes),
          values_(found_.size()) {}

    void score(size_t first, size_t count) {
        encode(first, count);
        float margins[kPart];
        const float* phi = forest_.score_columns(encoded_.data(), kPart, count, margins, limit_ > 0);
        std::copy(margins, margins + count, out_.margins + first);
        if (limit_ == 0) return;
        const size_t width = size_t(forest_.n_features());
        for (size_t lead = 0; lead < count; lead += kLanes)
            explain(phi + lead * width, first, lead, std::min<size_t>(kLanes, count - lead));
    }

  private:
    void encode(size_t first, size_t count) {
        alignas(64) int64_t doubt[kPart] = {};
        for (size_t i = 0; i < scorer_.rules_.size(); ++i)
            kernel().encode_cells(cells_[i].source(), scorer_.rules_[i], first, count, encoded_.data() + i * kPart, doubt);
        for (size_t i = 0; i < count; ++i) out_.doubtful[first + i] |= uint8_t(doubt[i] != 0);
    }

    // The strongest reasons of one block of leads.
    void explain(const float* phi, size_t first, size_t lead, size_t count) {
        const int limit = int(std::min(limit_, features_));
        if (sums_) finder_.sum_block(phi, summed_.data(), leading_.data());
        kernel().strongest(sums_ ? summed_.data() : phi, features_, limit, found_.data(), values_.data());
        for (size_t i = 0; i < count; ++i)
            for (size_t k = 0; k < limit_; ++k) write(first, lead + i, i, k, int(k) < limit);
    }

    void write(size_t first, size_t lead, size_t lane, size_t k, bool within) {
        const size_t to = (first + lead) * limit_ + k, from = k * kLanes + lane;
        const int32_t feature = within ? found_.data()[from] : -1;
        out_.features[to] = feature;
        out_.contributions[to] = feature < 0 ? 0.0 : double(values_.data()[from]);
        out_.leading[to] = 0;
        out_.values[to] = std::numeric_limits<float>::quiet_NaN();
        out_.sent[to] = std::numeric_limits<double>::quiet_NaN();
        if (feature < 0) return;
        const int32_t column = sums_ ? leading_.data()[size_t(feature) * kLanes + lane] : feature;
        out_.leading[to] = sums_ ? column - finder_.first(size_t(feature)) : 0;
        out_.values[to] = encoded_.data()[size_t(column) * kPart + lead];
        out_.sent[to] = cells_[size_t(column)].at(first + lead);
    }

    const TableScorer& scorer_;
    const ReasonFinder& finder_;
    const Forest& forest_;
    const std::vector<Cells>& cells_;
    size_t limit_;
    bool sums_;
    size_t features_;
    Out out_;
    Aligned<float> encoded_, summed_;
    Aligned<int32_t> leading_, found_;
    Aligned<float> values_;
};

TableScorer::TableScorer(nb::object finder, nb::handle rules)
    : owner_(std::move(finder)), finder_(finder_of(owner_)), rules_(cell_rules(rules)) {
    if (rules_.size() != size_t(finder_->forest().n_features()))
        throw nb::value_error("there must be a rule for each column of the forest");
}

void TableScorer::score(nb::handle columns, int64_t first, int64_t last, int64_t limit, nb::handle doubtful,
                        nb::handle margins, nb::handle features, nb::handle contributions, nb::handle leading,
                        nb::handle values, nb::handle sent) const {
    const Filled<uint8_t> notes(doubtful);
    const Filled<double> margin(margins), contribution(contributions), number(sent);
    const Filled<int32_t> feature(features), column(leading);
    const Filled<float> value(values);
    const size_t leads = notes.size();
    if (first < 0 || first > last || size_t(last) > leads) throw nb::value_error("there are no such leads");
    if (limit < 0) throw nb::value_error("limit must be 0 or more");
    const size_t most = size_t(limit);
    margin.check(leads, "margins");
    feature.check(leads * most, "features");
    contribution.check(leads * most, "contributions");
    column.check(leads * most, "leading columns");
    value.check(leads * most, "values");
    number.check(leads * most, "sent numbers");
    const std::vector<Cells> cells = cells_of(columns, rules_.size(), leads);
    nb::gil_scoped_release release;
    Worker worker(*this, cells, most,
                  {notes.data(), margin.data(), feature.data(), contribution.data(), column.data(), value.data(),
                   number.data()});
    for (size_t at = size_t(first); at < size_t(last); at += kPart)
        worker.score(at, std::min<size_t>(kPart, size_t(last) - at));
}

void TableScorer::rows(nb::handle columns, nb::handle values) const {
    const Filled<float> out(values);
    const size_t width = rules_.size(), leads = out.size() / width;
    out.check(leads * width, "values");
    const std::vector<Cells> cells = cells_of(columns, width, leads);
    nb::gil_scoped_release release;
    Aligned<float> encoded(width * kPart);
    for (size_t first = 0; first < leads; first += kPart) {
        const size_t count = std::min<size_t>(kPart, leads - first);
        alignas(64) int64_t doubt[kPart] = {};
        for (size_t i = 0; i < width; ++i)
            kernel().encode_cells(cells[i].source(), rules_[i], first, count, encoded.data() + i * kPart, doubt);
        for (size_t lead = 0; lead < count; ++lead)
            for (size_t i = 0; i < width; ++i) out.data()[(first + lead) * width + i] = encoded.data()[i * kPart + lead];
    }
}

void bind_table_scorer(nb::module_& m) {
    nb::class_<TableScorer>(m, "TableScorer")
        .def(nb::init<nb::object, nb::handle>(), nb::arg("finder"), nb::arg("rules"))
        .def("score", &TableScorer::score, nb::arg("columns"), nb::arg("first"), nb::arg("last"), nb::arg("limit"),
             nb::arg("doubtful"), nb::arg("margins"), nb::arg("features"), nb::arg("contributions"), nb::arg("leading"),
             nb::arg("values"), nb::arg("sent"))
        .def("rows", &TableScorer::rows, nb::arg("columns"), nb::arg("values"));
}

}  // namespace leadscoring
