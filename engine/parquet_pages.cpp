// Writes the pages of one column of a row group of Parquet: https://parquet.apache.org/docs/file-format/

#include "parquet_pages.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "distinct.hpp"
#include "parquet_levels.hpp"
#include "parquet_packed.hpp"
#include "snappy.hpp"
#include "text_cells.hpp"

namespace leadscoring {

namespace {

enum class Kind { codes, doubles, texts, small };

enum Encoding : uint32_t { kPlain = 0, kRuns = 3, kDictionary = 8 };

constexpr uint32_t kNull = std::numeric_limits<uint32_t>::max();
constexpr size_t kPlaces = 2;        // numbers get a dictionary if at most every second is another
constexpr size_t kSample = 4096;     // and not if nearly all of the first are
constexpr size_t kSampled = kSample / 16 * 15;
constexpr size_t kMostBytes = size_t(1) << 30;

// The struct of a page's header in Thrift's compact protocol: fields one after the other, all of 32 bits.
class Header {
  public:
    explicit Header(std::string& to) : to_(to) {}
    void field(unsigned number, uint32_t value) {
        head(number, 5);
        put_varint(to_, uint64_t(value) << 1);
    }
    void head(unsigned number, unsigned type) {
        to_ += char((number - last_) << 4 | type);
        last_ = number;
    }
    // Begins a struct that ends with the header.
    void inner(unsigned number) {
        head(number, 12);
        last_ = 0;
    }
    void end() { to_.append(2, '\0'); }

  private:
    std::string& to_;
    unsigned last_ = 0;
};

// The pages of one column.
struct Pages {
    std::string bytes;
    size_t raw = 0, dictionary = 0, values = 0, nulls = 0;
    std::optional<std::string> least, most;

    // What comes after the first `searched` bytes is packed already.
    void add(const std::string& content, size_t searched, bool is_dictionary, uint32_t count, Encoding encoding) {
        std::string packed;
        append_snappy(content.data(), content.size(), searched, packed);
        const size_t before = bytes.size();
        Header header(bytes);
        header.field(1, is_dictionary ? 2 : 0);
        header.field(2, uint32_t(content.size()));
        header.field(3, uint32_t(packed.size()));
        header.inner(is_dictionary ? 7 : 5);
        header.field(1, count);
        header.field(2, encoding);
        if (!is_dictionary) {
            header.field(3, kRuns);
            header.field(4, kRuns);
        }
        header.end();
        raw += bytes.size() - before + content.size();
        bytes += packed;
        if (is_dictionary) dictionary = bytes.size();
    }
};

// What a kind of cell is, and how it is written plainly.
struct Doubles {
    const double* values;
    bool is_null(size_t cell) const { return values[cell] != values[cell]; }
    void write(std::string& to, size_t cell) const { put(to, values[cell]); }
    void write_all(std::string& to, size_t size) const {
        to.append(reinterpret_cast<const char*>(values), size * sizeof(double));
    }
    // Zero is written with the sign that makes the range larger.
    std::string least(size_t cell) const { return text(values[cell] == 0 ? -0.0 : values[cell]); }
    std::string most(size_t cell) const { return text(values[cell] == 0 ? 0.0 : values[cell]); }
    bool is_less(size_t a, size_t b) const { return values[a] < values[b]; }

  private:
    static std::string text(double value) {
        std::string to;
        put(to, value);
        return to;
    }
};

struct Small {
    const uint8_t* values;
    bool is_null(size_t) const { return false; }
    void write(std::string& to, size_t cell) const { put(to, uint32_t(values[cell])); }
    std::string least(size_t cell) const { return text(cell); }
    std::string most(size_t cell) const { return text(cell); }
    bool is_less(size_t a, size_t b) const { return values[a] < values[b]; }

  private:
    std::string text(size_t cell) const {
        std::string to;
        write(to, cell);
        return to;
    }
};

struct Texts {
    const TextCells& values;
    bool is_null(size_t cell) const { return values.is_null(cell); }
    void write(std::string& to, size_t cell) const { put_text(to, values.at(cell)); }
    void write_all(std::string& to, size_t size) const {
        size_t bytes = 0;
        for (size_t cell = 0; cell < size; ++cell) bytes += sizeof(uint32_t) + values.at(cell).size();
        const size_t before = to.size();
        to.resize(before + bytes);
        char* out = to.data() + before;
        for (size_t cell = 0; cell < size; ++cell) {
            const std::string_view text = values.at(cell);
            const uint32_t length = uint32_t(text.size());
            std::memcpy(out, &length, sizeof length);
            std::memcpy(out + sizeof length, text.data(), length);
            out += sizeof length + length;
        }
    }
    std::string least(size_t cell) const { return std::string(values.at(cell)); }
    std::string most(size_t cell) const { return least(cell); }
    bool is_less(size_t a, size_t b) const { return values.at(a) < values.at(b); }
};

// The places of cells in a dictionary, and its values; the places are the caller's if `own` is empty.
struct Dictionary {
    const uint32_t* places = nullptr;
    std::vector<uint32_t> own;
    std::string values;
    uint32_t count = 0;
};

class Writer {
  public:
    explicit Writer(const Layout& layout) : layout_(layout) {}

    template <class Cells>
    void plain(const Cells& cells) {
        if (start([&](size_t cell) { return cells.is_null(cell); })) {
            cells.write_all(content_, layout_.cells());
        } else {
            for (size_t cell = 0; cell < layout_.cells(); ++cell)
                if (layout_.has(cell) && !cells.is_null(cell)) cells.write(content_, cell);
        }
        finish(kPlain, content_.size());
    }

    // Places in a dictionary; `kNull` is null.
    void coded(const Dictionary& dictionary) {
        const uint32_t* places = dictionary.places;
        const bool all = start([&](size_t cell) { return places[cell] == kNull; });
        const size_t searched = content_.size();
        if (dictionary.count == 0) return finish(kPlain, searched);  // all are null
        pages_.add(dictionary.values, dictionary.values.size(), true, dictionary.count, kPlain);
        const unsigned bits = bits_of(dictionary.count - 1);
        content_ += char(bits);
        if (all) {
            put_values(content_, places, layout_.cells(), bits);
        } else {
            std::vector<uint32_t> present;
            present.reserve(layout_.cells());
            for (size_t cell = 0; cell < layout_.cells(); ++cell)
                if (layout_.has(cell) && places[cell] != kNull) present.push_back(places[cell]);
            put_values(content_, present.data(), present.size(), bits);
        }
        finish(kDictionary, searched);
    }

    template <class Cells>
    void range(const Cells& cells) {
        size_t least = kNull, most = kNull;
        for (size_t cell = 0; cell < layout_.cells(); ++cell) {
            if (!layout_.has(cell) || cells.is_null(cell)) continue;
            if (least == kNull) least = most = cell;
            else if (cells.is_less(cell, least)) least = cell;
            else if (cells.is_less(most, cell)) most = cell;
        }
        if (least == kNull) return;
        pages_.least = cells.least(least);
        pages_.most = cells.most(most);
    }

    Pages& pages() { return pages_; }

  private:
    // Returns whether each cell has a value.
    template <class IsNull>
    bool start(IsNull is_null) {
        Levels levels(layout_, is_null);
        pages_.values = levels.count;
        pages_.nulls = levels.nulls;
        content_ = std::move(levels.written);
        return levels.nulls == 0 && levels.count == layout_.cells();
    }
    void finish(Encoding encoding, size_t searched) {
        if (content_.size() > kMostBytes) throw nb::value_error("a page has more than 1 GB");
        pages_.add(content_, searched, false, uint32_t(pages_.values), encoding);
    }

    const Layout& layout_;
    Pages pages_;
    std::string content_;
};

// Numbers as places of their distinct ones, if these are few.
std::optional<Dictionary> few(const double* values, size_t size) {
    Dictionary found;
    std::vector<double> distinct(size / kPlaces);
    found.own.resize(size);
    if (distinct.size() > kSample && find_distinct(values, kSample, found.own.data(), distinct.data(), kSampled) > kSampled)
        return std::nullopt;
    const size_t count = find_distinct(values, size, found.own.data(), distinct.data(), distinct.size());
    if (count > distinct.size()) return std::nullopt;
    std::vector<uint32_t> after(count);
    for (size_t place = 0; place < count; ++place) {
        const bool is_null = distinct[place] != distinct[place];
        after[place] = is_null ? kNull : found.count++;
        if (!is_null) put(found.values, distinct[place]);
    }
    if (found.count < count)
        for (uint32_t& place : found.own) place = after[place];
    found.places = found.own.data();
    return found;
}

// Codes as places of their texts; a code that is not in the list, or is of null, is null.
Dictionary of_codes(const uint32_t* codes, size_t size, const TextCells& names) {
    Dictionary found;
    std::vector<uint32_t> after(names.size());
    for (size_t place = 0; place < names.size(); ++place) {
        after[place] = names.is_null(place) ? kNull : found.count++;
        if (after[place] != kNull) put_text(found.values, names.at(place));
    }
    found.places = codes;
    const bool same = found.count == after.size() &&
                      std::none_of(codes, codes + size, [&](uint32_t code) { return code >= after.size() && code != kNull; });
    if (same) return found;
    found.own.resize(size);
    for (size_t cell = 0; cell < size; ++cell)
        found.own[cell] = codes[cell] < after.size() ? after[codes[cell]] : kNull;
    found.places = found.own.data();
    return found;
}

Dictionary of_small(const uint8_t* values, size_t size) {
    Dictionary found;
    uint32_t places[256];
    std::fill(places, places + 256, kNull);
    found.own.resize(size);
    for (size_t cell = 0; cell < size; ++cell) {
        uint32_t& place = places[values[cell]];
        if (place == kNull) {
            place = found.count++;
            put(found.values, uint32_t(values[cell]));
        }
        found.own[cell] = place;
    }
    found.places = found.own.data();
    return found;
}

nb::object shown(const std::optional<std::string>& bytes) {
    return bytes ? nb::object(nb::bytes(bytes->data(), bytes->size())) : nb::none();
}

nb::object parquet_pages(int64_t kind, nb::handle cells, size_t rows, nb::handle names, size_t width, nb::handle there) {
    if (kind < 0 || kind > 3) throw nb::value_error("a kind must be 0 (codes), 1 (doubles), 2 (texts) or 3 (bytes)");
    Layout layout{rows, width, std::nullopt};
    if (!there.is_none()) layout.there.emplace(there);
    const size_t size = layout.cells();
    if (layout.there) layout.there->check(width ? size : 0, "features");
    std::optional<Given<uint32_t>> codes;
    std::optional<Given<double>> doubles;
    std::optional<Given<uint8_t>> bytes;
    std::optional<TextCells> texts;
    if (Kind(kind) == Kind::codes) codes.emplace(cells), codes->check(size, "codes"), texts.emplace(names);
    else if (Kind(kind) == Kind::doubles) doubles.emplace(cells), doubles->check(size, "numbers");
    else if (Kind(kind) == Kind::small) bytes.emplace(cells), bytes->check(size, "bytes");
    else texts.emplace(cells);
    if (Kind(kind) == Kind::texts && texts->size() != size) throw nb::value_error("there must be a text for each cell");
    Writer writer(layout);
    {
        const nb::gil_scoped_release release;
        const bool flat = width == 0;
        if (codes) {
            writer.coded(of_codes(codes->data(), size, *texts));
        } else if (doubles) {
            const Doubles own{doubles->data()};
            const std::optional<Dictionary> found = few(doubles->data(), size);
            if (found) writer.coded(*found);
            else writer.plain(own);
            if (flat) writer.range(own);
        } else if (bytes) {
            writer.coded(of_small(bytes->data(), size));
            if (flat) writer.range(Small{bytes->data()});
        } else {
            writer.plain(Texts{*texts});
            if (flat) writer.range(Texts{*texts});
        }
    }
    const Pages& pages = writer.pages();
    return nb::make_tuple(nb::bytes(pages.bytes.data(), pages.bytes.size()), pages.dictionary, pages.values, pages.raw,
                          pages.nulls, shown(pages.least), shown(pages.most));
}

}  // namespace

void bind_parquet_pages(nb::module_& m) {
    m.def("parquet_pages", &parquet_pages, nb::arg("kind"), nb::arg("cells"), nb::arg("rows"), nb::arg("names") = nb::none(),
          nb::arg("width") = 0, nb::arg("there") = nb::none());
    m.def("snappy", [](nb::bytes content) {
        std::string packed;
        append_snappy(content.c_str(), content.size(), content.size(), packed);
        return nb::bytes(packed.data(), packed.size());
    }, nb::arg("content"));
}

}  // namespace leadscoring
