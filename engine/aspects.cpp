#include "aspects.hpp"

#include <algorithm>
#include <cmath>

#include "moment.hpp"
#include "tables.hpp"

namespace leadscoring {

namespace {

nb::object owned(PyObject* object) {
    if (!object) throw nb::python_error();
    return nb::steal(object);
}

// A text as UTF-8, lone surrogates included, as tokens are.
std::string text_of(nb::handle text, const char* what) {
    if (!PyUnicode_Check(text.ptr())) throw nb::type_error(what);
    const nb::object bytes = owned(PyUnicode_AsEncodedString(text.ptr(), "utf-8", "surrogatepass"));
    return {PyBytes_AS_STRING(bytes.ptr()), size_t(PyBytes_GET_SIZE(bytes.ptr()))};
}

float weight_of(nb::handle weight) {
    const double number = PyFloat_AsDouble(weight.ptr());
    if (number == -1.0 && PyErr_Occurred()) throw nb::python_error();
    if (!std::isfinite(float(number))) throw nb::value_error("weights must be finite float32");
    return float(number);
}

constexpr const char* kTexts = "what an aspect is of must be a text";

}  // namespace

Spec::Spec(nb::handle spec) {
    if (!PyTuple_Check(spec.ptr()) || PyTuple_GET_SIZE(spec.ptr()) != 6)
        throw nb::type_error("a spec must be a tuple of aspects, missing, planned, weights, groups and roles");
    for (const nb::handle aspect : spec[0]) {
        if (!PyTuple_Check(aspect.ptr()) || PyTuple_GET_SIZE(aspect.ptr()) != 2)
            throw nb::type_error("an aspect must be a tuple of two");
        aspects.push_back({text_of(aspect[0], "the name of an aspect must be a text"), nb::object(aspect[1])});
    }
    nb::object texts = owned(PyFrozenSet_New(nb::object(spec[1]).ptr()));
    for (const nb::handle one : texts) this->texts.insert(text_of(one, "texts that mean missing must be texts"));
    if (PySet_GET_SIZE(texts.ptr()) > 0) missing = std::move(texts);
    planned = nb::cast<bool>(spec[2]);
    weights = spec[3];
    groups = spec[4];
    roles = spec[5];
    if (!PyDict_Check(weights.ptr()) || !PyDict_Check(groups.ptr()))
        throw nb::type_error("weights and groups must be dicts");
}

bool Spec::means_missing(PyObject* text) const {
    if (!missing.is_valid()) return false;
    const int found = PySet_Contains(missing.ptr(), text);
    if (found < 0) throw nb::python_error();
    return found != 0;
}

TokenColumns::TokenColumns(Cut cut, Spec spec) : cut_(cut), spec_(std::move(spec)) {
    for (const Spec::Aspect& aspect : spec_.aspects) place(aspect, width_++);
    if (weight_ >= 0) place_weights();
    if (cut_ == Cut::address) place_groups();
}

// Notes the column of an aspect.
void TokenColumns::place(const Spec::Aspect& aspect, int32_t column) {
    const bool words = cut_ == Cut::words, address = cut_ == Cut::address, values = cut_ == Cut::values;
    const std::string& what = aspect.what;
    if (what == "weight") weight_ = column;
    else if (what == (words ? "words" : "count") && !address) count_ = column;
    else if (what == "length" && words) length_ = column;
    else if (what == "role" && address) role_ = column;
    else {
        const std::string of = text_of(aspect.of, kTexts);
        if (what == "group" && address && of == "company") company_ = column;
        else if (what == "group" && address) groups_.at(of).place = column;
        else if (what == "ends" && address) ends_.at(of).place = column;
        else if (what == (words ? "word" : values ? "value" : "domain")) tokens_.at(of).place = column;
        else throw nb::value_error(("there is no aspect " + what).c_str());
        pairs_ = pairs_ || (words && of.find(' ') != std::string::npos);
    }
}

void TokenColumns::place_weights() {
    PyObject *token, *weight;
    for (Py_ssize_t at = 0; PyDict_Next(spec_.weights.ptr(), &at, &token, &weight);) {
        const std::string text = text_of(token, "weights must be by text");
        Vocabulary::Entry& entry = tokens_.at(text);
        entry.weight = weight_of(weight);
        entry.weighed = true;
        pairs_ = pairs_ || (cut_ == Cut::words && text.find(' ') != std::string::npos);
    }
}

// Notes each listed suffix with the column of its group, which may be none.
void TokenColumns::place_groups() {
    PyObject *group, *suffixes;
    for (Py_ssize_t at = 0; PyDict_Next(spec_.groups.ptr(), &at, &group, &suffixes);) {
        const Vocabulary::Entry* known = groups_.find(text_of(group, "groups must be by text"));
        for (const nb::handle suffix : nb::handle(suffixes))
            suffixes_.at(text_of(suffix, "the suffixes of a group must be texts")).place = known ? known->place : -1;
    }
    for (const nb::handle role : spec_.roles) roles_.at(text_of(role, "roles must be texts"));
}

void TokenColumns::Sum::add(const Vocabulary::Entry& entry) {
    if (!entry.weighed) return;
    weight += double(entry.weight);
    ++count;
}

inline void TokenColumns::look_up(std::string_view token, float* out, Sum& sum) const {
    const Vocabulary::Entry* entry = tokens_.find(token);
    if (!entry) return;
    if (entry->place >= 0) out[entry->place] = 1;
    sum.add(*entry);
}

void TokenColumns::encode_words(const Tokens& tokens, float* out, Sum& sum) const {
    for (size_t i = 0; i < tokens.size(); ++i) {
        look_up(tokens[i], out, sum);
        if (pairs_ && i + 1 < tokens.size()) look_up(tokens.pair(i), out, sum);
    }
}

void TokenColumns::encode_address(const Address& address, float* out, Sum& sum) const {
    const std::string_view domain = address.domain;
    look_up(domain, out, sum);
    if (const auto* last = ends_.find(domain.substr(domain.rfind('.') + 1))) out[last->place] = 1;
    if (role_ >= 0 && roles_.find(address.local.substr(0, address.local.find('+')))) out[role_] = 1;
    if (company_ < 0 && groups_.empty()) return;
    const Vocabulary::Entry* listed = suffixes_.find(domain);
    for (size_t dot = domain.find('.'); !listed && dot != std::string_view::npos; dot = domain.find('.', dot + 1))
        listed = suffixes_.find(domain.substr(dot + 1));
    const int32_t group = listed ? listed->place : company_;
    if (group >= 0) out[group] = 1;
}

const char* TokenColumns::what_fits() const {
    return cut_ == Cut::values ? "neither text nor a list of texts" : "not text";
}

TokenColumns::Found TokenColumns::encode(PyObject* value, Tokens& tokens, float* out) const {
    const bool text = PyUnicode_Check(value);
    if (!text && cut_ != Cut::values) return Found::unfit;
    if (text && spec_.means_missing(value)) return Found::unknown;
    if (cut_ == Cut::words) tokens.cut_words(value);
    else if (cut_ == Cut::address) tokens.fold(value);
    else if (!tokens.cut_values(value)) return Found::unfit;
    const Py_ssize_t length = text ? length_of(value) : 0;
    if (text && length == 0) return Found::unknown;
    return fill(tokens, length, out);
}

TokenColumns::Found TokenColumns::encode(std::string_view ascii, Tokens& tokens, float* out) const {
    const Py_ssize_t length = length_of(ascii);
    if (length == 0 || (!spec_.texts.empty() && spec_.means_missing(ascii))) return Found::unknown;
    if (cut_ == Cut::words) tokens.cut_words(ascii);
    else if (cut_ == Cut::address) tokens.fold(ascii);
    else tokens.cut_values(ascii);
    return fill(tokens, length, out);
}

TokenColumns::Found TokenColumns::fill(const Tokens& tokens, Py_ssize_t length, float* out) const {
    Address address;
    if (cut_ == Cut::address) {
        if (tokens.size() > 0) address = address_of(tokens[0]);
        if (!address) return Found::strange;
    }
    std::fill(out, out + width_, 0.0f);
    Sum sum;
    if (cut_ == Cut::address) encode_address(address, out, sum);
    else if (!tokens_.empty()) encode_words(tokens, out, sum);
    if (count_ >= 0) out[count_] = float(tokens.count());
    if (length_ >= 0) out[length_] = float(length);
    if (weight_ >= 0 && sum.count > 0) out[weight_] = float(sum.weight / double(sum.count));
    return Found::known;
}

DateColumns::DateColumns(Spec spec) : spec_(std::move(spec)) {
    for (const Spec::Aspect& aspect : spec_.aspects) {
        const std::string& what = aspect.what;
        if (what == "since") {
            columns_.push_back({What::since, nb::cast<size_t>(aspect.of)});
            continue;
        }
        if (what != "age" && what != "weekday" && what != "hour")
            throw nb::value_error(("there is no aspect " + what).c_str());
        columns_.push_back({what == "age" ? What::age : what == "hour" ? What::hour : What::weekday, 0});
    }
}

void DateColumns::check(const std::vector<bool>& is_date) const {
    for (const Column& column : columns_)
        if (column.what == What::since && (column.of >= is_date.size() || !is_date[column.of]))
            throw nb::value_error("a date is counted since what is no date");
}

std::optional<int64_t> DateColumns::moment_of(PyObject* value) const {
    if (PyUnicode_Check(value)) {
        int64_t moment = kNoMoment;
        if (PyUnicode_IS_ASCII(value))
            moment = parse_moment({reinterpret_cast<const char*>(PyUnicode_DATA(value)), size_t(PyUnicode_GET_LENGTH(value))});
        if (moment == kNoMoment && !spec_.means_missing(value) && length_of(value) > 0) return std::nullopt;
        return moment;
    }
    if (!PyLong_Check(value) || PyBool_Check(value)) return std::nullopt;
    int overflow = 0;
    const int64_t moment = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow || !is_moment(moment)) return std::nullopt;
    return moment;
}

bool DateColumns::is_beyond(int64_t moment, int64_t as_of) const { return !spec_.planned && moment > as_of + kDay; }

inline float days(int64_t from, int64_t to) { return float(double(to - from) / double(kDay)); }

void DateColumns::encode(int64_t moment, int64_t as_of, const std::vector<int64_t>& moments, float* out) const {
    for (const Column& column : columns_) {
        float& cell = *out++;
        switch (column.what) {
            case What::age: cell = spec_.planned || moment < as_of ? days(moment, as_of) : 0; break;
            case What::since:
                if (moments[column.of] != kNoMoment) cell = days(moments[column.of], moment);
                break;
            case What::weekday: cell = float(weekday_of(moment)); break;
            case What::hour: cell = float(hour_of(moment)); break;
        }
    }
}

std::vector<size_t> DateColumns::drop_beyond(std::vector<int64_t>& moments, const int64_t* as_of) const {
    std::vector<size_t> found;
    if (spec_.planned) return found;
    for (size_t lead = 0; lead < moments.size(); ++lead) {
        if (moments[lead] == kNoMoment || !is_beyond(moments[lead], as_of[lead])) continue;
        moments[lead] = kNoMoment;
        found.push_back(lead);
    }
    return found;
}

void DateColumns::encode(size_t own, const std::vector<std::vector<int64_t>>& dates, const int64_t* as_of, size_t leads,
                         float* out) const {
    const int64_t* moments = dates[own].data();
    const auto fill = [&](float* cells, auto value) {
        for (size_t lead = 0; lead < leads; ++lead) cells[lead] = moments[lead] == kNoMoment ? kMissing : value(lead);
    };
    for (const Column& column : columns_) {
        switch (column.what) {
            case What::age:
                if (spec_.planned) fill(out, [&](size_t i) { return days(moments[i], as_of[i]); });
                else fill(out, [&](size_t i) { return moments[i] < as_of[i] ? days(moments[i], as_of[i]) : 0.0f; });
                break;
            case What::since: {
                const int64_t* since = dates[column.of].data();
                fill(out, [&](size_t i) { return since[i] == kNoMoment ? kMissing : days(since[i], moments[i]); });
                break;
            }
            case What::weekday: fill(out, [&](size_t i) { return float(weekday_of(moments[i])); }); break;
            case What::hour: fill(out, [&](size_t i) { return float(hour_of(moments[i])); }); break;
        }
        out += leads;
    }
}

}  // namespace leadscoring
