#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace leadscoring {

// Splits a JSON array into its elements, or an object into its pairs: where each begins and ends, and how many ':' outside
// of strings it has. Only quotes, brackets, commas and colons are examined: the elements are validated when they are
// decoded. Text that is accepted is an array if all its elements are valid values. Sizes are in bytes.
class Split {
  public:
    struct Element {
        size_t begin, end, colons;
    };
    // The elements from first until before last; `usual` if none exceeds the size and colons that the caller allows.
    struct Group {
        size_t first, last, begin, end, colons;
        bool usual;
    };
    // Elements beyond `limit` are counted, but not stored; those of an object (`keyed`) are its pairs of a key and a value.
    Split(const char* text, size_t size, size_t limit, bool keyed = false);

    // Scans about this many further bytes; true at the end of the text.
    bool step(size_t bytes);

    // Whether the scan is complete and the text is an array.
    bool sound() const { return done_ && sound_; }
    size_t count() const { return count_; }
    const std::vector<Element>& elements() const { return elements_; }
    // Consecutive elements of up to about this many bytes in total; a longer one, or one with more colons, is a group
    // of its own and not `usual`.
    std::vector<Group> groups(size_t bytes, size_t longest, size_t most_colons) const;

  private:
    void open();
    void plain(size_t until);
    void blocks(size_t until);
    bool mark(char c, size_t place);
    void element(size_t end);
    bool blank(size_t begin, size_t end) const;
    void fail() { done_ = true, sound_ = false; }

    const char* text_;
    size_t size_, limit_;
    char opens_, closes_;
    size_t at_ = 0, begin_ = 0, depth_ = 0, colons_ = 0, count_ = 0;
    bool inside_ = false, escaped_ = false, done_ = false, sound_ = true, closed_ = false;
    std::vector<Element> elements_;
};

}  // namespace leadscoring
