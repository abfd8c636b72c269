#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace leadscoring {

// Where the elements of a JSON array, or the pairs of an object, begin and end, and how many ':' outside of strings each has. Looks at quotes,
// brackets, commas and colons alone: whether an element is sound is for its reader to say. What it takes for an array
// is one whenever its elements are values; sizes are in bytes.
class Split {
  public:
    struct Element {
        size_t begin, end, colons;
    };
    // The elements from first until before last; those that are no longer and have no more colons than was asked for.
    struct Group {
        size_t first, last, begin, end, colons;
        bool usual;
    };
    // Elements beyond `limit` are counted, and not kept; those of an object are its pairs of a key and a value.
    Split(const char* text, size_t size, size_t limit, bool keyed = false);

    // Reads on for about so many bytes; true when there is nothing left to read.
    bool step(size_t bytes);

    // Nothing while it is read, or when the text is none at all.
    bool sound() const { return done_ && sound_; }
    size_t count() const { return count_; }
    const std::vector<Element>& elements() const { return elements_; }
    // Neighbours, up to about so many bytes together; one that is longer or has more colons is alone, and not usual.
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
