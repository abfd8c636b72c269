#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace leadscoring {

// The known keys of an object, looked up by their bytes.
class Names {
  public:
    explicit Names(std::vector<std::string> names);
    Names(const Names&) = delete;  // places_ has views into names_
    int find(std::string_view name) const;  // its index, or -1
    size_t size() const { return names_.size(); }
    size_t longest() const { return longest_; }

  private:
    std::vector<std::string> names_;
    std::unordered_map<std::string_view, int> places_;
    size_t longest_ = 0;
};

// A range of bytes in the text.
struct Span {
    size_t begin = 0, end = 0;
};

// The keys of one object: the known ones with their last value, the first unknown ones, and the number of unknown ones.
struct Keys {
    struct Unknown {
        Span name, value;
        size_t times = 1;
    };
    std::vector<Span> values;   // by index of the name
    std::vector<size_t> times;  // how often each known key occurs
    std::vector<Unknown> unknown;
    size_t unknown_count = 0;
};

// Scans a JSON text without building its values: whether it is valid (with NaN and infinities allowed, as in
// Python's parser), and the keys of its root and of the object under the root's `inner` key. A single pass over the
// bytes with bounded memory, for any text.
class Skim {
  public:
    static constexpr size_t kDeepest = 128, kUnknownKept = 100;

    Skim(const Names& outer, int inner, const Names& names, const char* text, size_t begin, size_t end);

    // Scans about this many further bytes; true at the end of the text.
    bool step(size_t bytes);

    const char* failure() const { return failure_; }  // why it is not JSON, or null
    size_t at() const { return at_; }                  // the offset of the failure
    Span root() const { return root_; }
    const Keys& outer() const { return keys_[0]; }
    const Keys& inner() const { return keys_[1]; }

  private:
    enum class State : uint8_t { value, value_or_end, key, key_or_end, colon, after, text, number, done };
    enum class Part : uint8_t { sign, zero, whole, point, fraction, exponent, exponent_sign, power };

    void token();
    void begin_value(char c);
    void end_value(size_t end);
    void open(char c);
    void close(char c);
    bool word(const char* literal);
    void read_text(size_t until);
    bool escape();
    bool wide(unsigned char c);
    void end_text();
    void read_number(size_t until);
    void key(Span name, bool escaped);
    Keys* level() { return depth_ == 1 ? &keys_[0] : depth_ == 2 && inside_inner_ ? &keys_[1] : nullptr; }
    void fail(const char* why) { failure_ = why, state_ = State::done; }

    const Names* names_[2];
    int inner_;
    const char* text_;
    size_t at_, end_;
    State state_ = State::value;
    Part part_ = Part::sign;
    bool is_key_ = false, escaped_ = false, inside_inner_ = false, next_is_inner_ = false;
    size_t depth_ = 0, token_ = 0, token_depth_ = 0;
    bool objects_[kDeepest + 1] = {};
    Span root_;
    Span* open_value_[2] = {nullptr, nullptr};
    Keys keys_[2];
    std::unordered_map<std::string_view, size_t> seen_[2];
    const char* failure_ = nullptr;
};

}  // namespace leadscoring
