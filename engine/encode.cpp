#include "encode.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "moment.hpp"
#include "tables.hpp"

namespace leadscoring {

namespace {

constexpr long kMostColumns = 1000;

[[noreturn]] void refuse(Py_ssize_t row, size_t feature, const char* why) {
    throw nb::value_error(("row " + std::to_string(row) + ", feature " + std::to_string(feature) + ": " + why).c_str());
}

float narrow(double value, Py_ssize_t row, size_t feature) {
    const float narrowed = float(value);
    if (!std::isfinite(narrowed)) refuse(row, feature, "not a finite float32");
    return narrowed;
}

// Converts a float or an int (but not a bool); throws for anything else.
double as_double(PyObject* value, Py_ssize_t row, size_t feature) {
    if (PyFloat_Check(value)) return PyFloat_AS_DOUBLE(value);
    if (!PyLong_Check(value) || PyBool_Check(value)) refuse(row, feature, "not a number");
    const double number = PyLong_AsDouble(value);
    if (number == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        refuse(row, feature, "not a finite float32");
    }
    return number;
}

float as_integer(PyObject* value, Py_ssize_t row, size_t feature) {
    const double number = as_double(value, row, feature);
    const float narrowed = narrow(number, row, feature);
    if (number != std::trunc(number)) refuse(row, feature, "not a whole number");
    return narrowed;
}

float as_flag(PyObject* value, Py_ssize_t row, size_t feature) {
    if (value == Py_True) return 1;
    if (value == Py_False) return 0;
    const double number = as_double(value, row, feature);
    if (number != 0 && number != 1) refuse(row, feature, "neither 0 nor 1");
    return number == 0 ? 0.0f : 1.0f;
}

long whole_number(PyObject* value) {
    const long number = PyLong_AsLong(value);
    if (number == -1 && PyErr_Occurred()) throw nb::python_error();
    return number;
}

constexpr const char* kOther = "other must hold finite numbers or None";

constexpr double kBeyond = std::numeric_limits<double>::infinity();

// The two ends of a feature's bounds; none are open.
std::pair<double, double> ends(nb::handle bounds) {
    if (bounds.is_none()) return {-kBeyond, kBeyond};
    const Items pair = items_of(bounds, "bounds must be pairs of numbers");
    if (pair.size != 2) throw nb::value_error("bounds must be pairs of numbers");
    return {nb::cast<double>(nb::handle(pair.begin[0])), nb::cast<double>(nb::handle(pair.begin[1]))};
}

// The moment that a lead is scored as of: its own, or that of all.
int64_t moment_of(PyObject* own, int64_t now) {
    int overflow = 0;
    if (own != Py_None && (!PyLong_Check(own) || PyBool_Check(own))) throw nb::type_error("a moment must be an int");
    const int64_t moment = own == Py_None ? now : PyLong_AsLongLongAndOverflow(own, &overflow);
    if (overflow || !is_moment(moment)) throw nb::value_error("a moment must be of the years 1 to 9999");
    return moment;
}

}  // namespace

Encoder::Encoder(nb::handle kinds, nb::handle tables, nb::handle other, nb::object unset, nb::handle rare, float missing,
                 nb::handle widths, nb::handle bounds, nb::handle specs)
    : unset_(std::move(unset)), missing_(missing) {
    const Items kind = items_of(kinds, "kinds must be a sequence"), table = items_of(tables, "tables must be a sequence"),
                unseen = items_of(other, "other must be a sequence");
    if (kind.size != table.size || kind.size != unseen.size)
        throw nb::value_error("kinds, tables and other must have one entry a feature");
    const auto per_feature = [&](nb::handle given, const char* what) {
        Items items{{}, nullptr, 0};
        if (!given.is_none()) items = items_of(given, what);
        if (!given.is_none() && items.size != kind.size) throw nb::value_error(what);
        return items;
    };
    const Items width = per_feature(widths, "widths must have one entry a feature"),
                limits = per_feature(bounds, "bounds must have one entry a feature"),
                texts = per_feature(rare, "rare must have one entry a feature"),
                spec = per_feature(specs, "specs must have one entry a feature");
    for (Py_ssize_t i = 0; i < kind.size; ++i) {
        const long number = whole_number(kind.begin[i]), columns = width.begin ? whole_number(width.begin[i]) : 1;
        if (number < 0 || number >= kKinds)
            throw nb::value_error(
                "a kind must be 0 (number), 1 (integer), 2 (flag), 3 (category), 4 (numbered), 5 (code), 6 (date), "
                "7 (words), 8 (address) or 9 (set)");
        const Kind is = Kind(number);
        const bool known = is == Kind::category || is == Kind::numbered, aspects = is >= Kind::date;
        if (columns < !aspects || columns > kMostColumns || (columns > 1 && !known && !aspects))
            throw nb::value_error("a feature must have one column, or several by a table or by its aspects");
        bounds_.push_back(ends(limits.begin ? nb::handle(limits.begin[i]) : nb::handle(Py_None)));
        features_.push_back({is, known ? checked_table(table.begin[i], is == Kind::numbered, int32_t(columns)) : nb::object(),
                             columns == 1 ? entry(unseen.begin[i], kOther) : kMissing, nb::object(), nb::object(),
                             columns_, int32_t(columns), nullptr, nullptr});
        if (known && columns > 1) features_.back().others = others_of(unseen.begin[i], int32_t(columns));
        if (aspects) add_aspects(features_.back(), spec.begin ? nb::handle(spec.begin[i]) : nb::handle(Py_None));
        columns_ += int32_t(columns);
        one_each_ = one_each_ && columns == 1 && !aspects;
    }
    std::vector<bool> is_date;
    for (const Feature& feature : features_) is_date.push_back(feature.date != nullptr);
    for (const size_t date : dates_) features_[date].date->check(is_date);
    for (Py_ssize_t i = 0; i < texts.size; ++i) {
        nb::object known = nb::steal(PyFrozenSet_New(texts.begin[i]));
        if (!known.is_valid()) throw nb::python_error();
        if (PySet_GET_SIZE(known.ptr()) > 0) features_[size_t(i)].rare = std::move(known);
    }
}

void Encoder::add_aspects(Feature& feature, nb::handle spec) {
    if (spec.is_none()) throw nb::value_error("a date, words, an address and a set must have a spec");
    if (feature.kind == Kind::date) {
        feature.date = std::make_unique<DateColumns>(Spec(spec));
        dates_.push_back(features_.size() - 1);
    } else {
        const Cut cut = feature.kind == Kind::words ? Cut::words : feature.kind == Kind::set ? Cut::values : Cut::address;
        feature.tokens = std::make_unique<TokenColumns>(cut, Spec(spec));
    }
    if (feature.width != (feature.date ? feature.date->width() : feature.tokens->width()))
        throw nb::value_error("a feature must have one column for each of its aspects");
}

// What the table has for a value, or null for one outside of it, which is noted as unseen.
PyObject* Encoder::find(const Feature& about, PyObject* value, Py_ssize_t row, size_t feature, Rows& rows) const {
    if (about.kind == Kind::numbered) narrow(as_double(value, row, feature), row, feature);
    else if (!PyUnicode_Check(value)) refuse(row, feature, "not text");
    PyObject* codes = PyDict_GetItemWithError(about.table.ptr(), value);
    if (codes) return codes;
    if (PyErr_Occurred()) throw nb::python_error();
    const int known = about.rare.is_valid() ? PySet_Contains(about.rare.ptr(), value) : 0;
    if (known < 0) throw nb::python_error();
    rows.unseen.emplace_back(int32_t(row), about.first);
    rows.rare.push_back(known != 0);
    return nullptr;
}

float Encoder::encode_known(const Feature& about, PyObject* value, Py_ssize_t row, size_t feature, Rows& rows) const {
    PyObject* code = find(about, value, row, feature, rows);
    return code ? float(PyFloat_AS_DOUBLE(code)) : about.other;
}

// A category that makes several columns.
void Encoder::encode_several(const Feature& about, PyObject* value, Py_ssize_t row, size_t feature, float* out,
                             Rows& rows) const {
    PyObject* found = find(about, value, row, feature, rows);
    PyObject* codes = found ? found : about.others.ptr();
    for (int32_t i = 0; i < about.width; ++i) out[i] = float(PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(codes, i)));
}

// A feature whose columns are its aspects. Dates are only noted: their columns need those of the whole lead.
void Encoder::encode_aspects(const Feature& about, PyObject* value, Py_ssize_t row, size_t feature, float* out,
                             Rows& rows, Scratch& scratch) const {
    if (about.date) {
        const std::optional<int64_t> moment = about.date->moment_of(value);
        if (!moment) refuse(row, feature, "not a date");
        scratch.moments[feature] = *moment;
        return;
    }
    switch (about.tokens->encode(value, scratch.tokens, out + about.first)) {
        case TokenColumns::Found::unfit: refuse(row, feature, about.tokens->what_fits());
        case TokenColumns::Found::strange:
            if (about.width == 0) return;
            rows.unseen.emplace_back(int32_t(row), about.first);
            rows.rare.push_back(false);
            return;
        default: return;
    }
}

void Encoder::encode_dates(Py_ssize_t row, float* out, Rows& rows, Scratch& scratch) const {
    std::vector<int64_t>& moments = scratch.moments;
    for (const size_t date : dates_) {
        const Feature& about = features_[date];
        if (moments[date] == kNoMoment || !about.date->is_beyond(moments[date], scratch.as_of)) continue;
        moments[date] = kNoMoment;
        if (about.width > 0) rows.future.emplace_back(int32_t(row), about.first);
    }
    for (const size_t date : dates_) {
        const Feature& about = features_[date];
        if (moments[date] != kNoMoment) about.date->encode(moments[date], scratch.as_of, moments, out + about.first);
    }
    for (const size_t date : dates_) moments[date] = kNoMoment;  // for the next lead
}

// Trees do not distinguish codes that no split names: the first unseen one stands for all.
float Encoder::encode_code(const Feature& about, PyObject* value, Py_ssize_t row, size_t feature, Rows& rows) const {
    const float code = as_integer(value, row, feature);
    if (code < 0) refuse(row, feature, "not a code");
    if (!(code >= about.other)) return code;
    rows.unseen.emplace_back(int32_t(row), about.first);
    rows.rare.push_back(false);
    return about.other;
}

// Whether a number means missing; not for numbers that are category values, which the trees see as codes.
bool Encoder::means_missing(const Feature& about, PyObject* value) const {
    if (about.kind == Kind::numbered || !is_number(value)) return false;
    const double number = PyFloat_Check(value) ? PyFloat_AS_DOUBLE(value) : PyLong_AsDouble(value);
    if (PyErr_Occurred()) PyErr_Clear();
    return float(number) == missing_;
}

inline float Encoder::encode_value(const Feature& about, PyObject* value, Py_ssize_t row, size_t feature, Rows& rows) const {
    switch (about.kind) {
        [[likely]] case Kind::number: return narrow(as_double(value, row, feature), row, feature);
        case Kind::integer: return as_integer(value, row, feature);
        case Kind::flag: return as_flag(value, row, feature);
        case Kind::code: return encode_code(about, value, row, feature, rows);
        default: return encode_known(about, value, row, feature, rows);
    }
}

void Encoder::encode_lead(PyObject* lead, Py_ssize_t row, Rows& rows, Scratch& scratch) const {
    const size_t features = features_.size();
    if (!PyTuple_Check(lead))
        throw nb::type_error(("row " + std::to_string(row) + " must be a tuple").c_str());
    if (size_t(PyTuple_GET_SIZE(lead)) != features)
        throw nb::value_error(("row " + std::to_string(row) + " has " + std::to_string(PyTuple_GET_SIZE(lead)) +
                               " values for " + std::to_string(features) + " features")
                                  .c_str());
    float* out = rows.values.data() + size_t(row) * size_t(columns_);
    const bool plain = one_each_ && std::isnan(missing_);
    rows.present.push_back(plain ? encode_features<true>(lead, row, out, rows, scratch)
                                 : encode_features<false>(lead, row, out, rows, scratch));
    if (!dates_.empty()) encode_dates(row, out, rows, scratch);
}

// Returns how many of them were sent. In the plain case each makes one column, and no number means missing.
template <bool plain>
int32_t Encoder::encode_features(PyObject* lead, Py_ssize_t row, float* out, Rows& rows, Scratch& scratch) const {
    int32_t present = 0;
    const bool marked = !plain && !std::isnan(missing_);
    for (size_t i = 0; i < features_.size(); ++i) {
        PyObject* value = PyTuple_GET_ITEM(lead, Py_ssize_t(i));
        if (value == unset_.ptr()) continue;
        ++present;
        if (value == Py_None) continue;
        const Feature& about = features_[i];
        if (plain) {
            out[i] = encode_value(about, value, row, i, rows);
        } else if (about.kind >= Kind::date) {
            encode_aspects(about, value, row, i, out, rows, scratch);
        } else if (!marked || !means_missing(about, value)) {
            if (about.width > 1) encode_several(about, value, row, i, out + about.first, rows);
            else encode_one(about, value, row, i, out[about.first], rows);
        }
    }
    return present;
}

void Encoder::encode_one(const Feature& about, PyObject* value, Py_ssize_t row, size_t feature, float& out,
                         Rows& rows) const {
    const float encoded = encode_value(about, value, row, feature, rows);
    if (!std::isnan(missing_)) check_bounds(value, row, feature);
    if (encoded != missing_) out = encoded;  // true and codes may be the mark too
}

// Bounds which the number that means missing lies outside of, so that nothing could check them before.
void Encoder::check_bounds(PyObject* value, Py_ssize_t row, size_t feature) const {
    const auto& [low, high] = bounds_[feature];
    if (low == -kBeyond && high == kBeyond) return;
    const double number = as_double(value, row, feature);
    if (!(number >= low && number <= high)) refuse(row, feature, "out of bounds");
}

Rows Encoder::encode(nb::handle leads, int64_t now, nb::handle as_of) const {
    const Items items = items_of(leads, "leads must be a list of tuples");
    Items moments{{}, nullptr, 0};
    if (!as_of.is_none()) moments = items_of(as_of, "as_of must be a list of moments");
    if (!as_of.is_none() && moments.size != items.size) throw nb::value_error("as_of must have one entry a lead");
    Scratch scratch;
    if (!dates_.empty()) scratch.moments.assign(features_.size(), kNoMoment);
    Rows rows;
    rows.n_rows = items.size;
    rows.n_features = Py_ssize_t(columns_);
    rows.values.assign(size_t(items.size) * size_t(columns_), kMissing);
    rows.present.reserve(size_t(items.size));
    for (Py_ssize_t row = 0; row < items.size; ++row) {
        if (!dates_.empty()) scratch.as_of = moment_of(moments.begin ? moments.begin[row] : Py_None, now);
        encode_lead(items.begin[row], row, rows, scratch);
    }
    return rows;
}

Rows rows_from_lists(nb::handle source) {
    const Items outer = items_of(source, "rows must be a list of lists");
    Rows rows;
    rows.n_rows = outer.size;
    for (Py_ssize_t row = 0; row < outer.size; ++row) {
        const Items values = items_of(outer.begin[row], "rows must be a list of lists");
        if (row == 0) rows.n_features = values.size;
        if (values.size != rows.n_features) throw nb::value_error("rows must all have the same length");
        int32_t present = 0;
        for (Py_ssize_t i = 0; i < values.size; ++i) {
            const bool missing = values.begin[i] == Py_None;
            rows.values.push_back(missing ? kMissing : narrow(as_double(values.begin[i], row, size_t(i)), row, size_t(i)));
            present += !missing;
        }
        rows.present.push_back(present);
    }
    return rows;
}

Rows joined(nb::handle parts) {
    const Items items = items_of(parts, "rows to join must be a list");
    Rows rows;
    for (Py_ssize_t i = 0; i < items.size; ++i) {
        const Rows& part = nb::cast<const Rows&>(nb::handle(items.begin[i]));
        if (i == 0) rows.n_features = part.n_features;
        if (part.n_features != rows.n_features) throw nb::value_error("rows must all have the same length");
        for (const auto& [row, feature] : part.unseen) rows.unseen.emplace_back(row + int32_t(rows.n_rows), feature);
        for (const auto& [row, feature] : part.future) rows.future.emplace_back(row + int32_t(rows.n_rows), feature);
        rows.rare.insert(rows.rare.end(), part.rare.begin(), part.rare.end());
        rows.values.insert(rows.values.end(), part.values.begin(), part.values.end());
        rows.present.insert(rows.present.end(), part.present.begin(), part.present.end());
        rows.n_rows += part.n_rows;
    }
    return rows;
}

}  // namespace leadscoring
