#include "split.hpp"

#include <algorithm>

#include "blocks.hpp"

namespace leadscoring {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

}  // namespace

Split::Split(const char* text, size_t size, size_t limit, bool keyed)
    : text_(text), size_(size), limit_(limit), opens_(keyed ? '{' : '['), closes_(keyed ? '}' : ']') {}

bool Split::step(size_t bytes) {
    if (done_) return true;
    const size_t until = size_ - at_ <= bytes ? size_ : at_ + bytes;
    if (depth_ == 0 && !closed_) open();
    while (!done_ && at_ < until) {
        blocks(until);
        if (!done_ && at_ < until) plain(std::min(until, at_ + 64));
    }
    if (!done_ && at_ >= size_) {
        done_ = true;
        sound_ = sound_ && closed_;
    }
    return done_;
}

void Split::open() {
    while (at_ < size_ && is_blank(text_[at_])) ++at_;
    if (at_ == size_ || text_[at_] != opens_) return fail();
    depth_ = 1;
    begin_ = ++at_;
}

// Processes one character outside of strings; false if it ends the scan.
bool Split::mark(char c, size_t place) {
    if (closed_) return is_blank(c) || (fail(), false);
    switch (c) {
        case '[':
        case '{': ++depth_; return true;
        case ',':
            if (depth_ == 1) element(place);
            return true;
        case ']':
        case '}':
            if (--depth_ > 0) return true;
            if (c != closes_) return fail(), false;
            if (count_ > 0 || !blank(begin_, place)) element(place);
            closed_ = true;
            return true;
        default: return true;
    }
}

bool Split::blank(size_t begin, size_t end) const {
    return std::all_of(text_ + begin, text_ + end, is_blank);
}

void Split::element(size_t end) {
    if (count_++ < limit_) elements_.push_back({begin_, end, colons_});
    begin_ = end + 1;
    colons_ = 0;
}

void Split::plain(size_t until) {
    for (; at_ < until && !done_; ++at_) {
        const char c = text_[at_];
        if (escaped_) {
            escaped_ = false;
        } else if (inside_ && c == '\\') {
            escaped_ = true;
        } else if (c == '"') {
            inside_ = !inside_;
            if (closed_) fail();
        } else if (!inside_) {
            if (c == ':') ++colons_;
            if (!mark(c, at_)) return;
        }
    }
}

std::vector<Split::Group> Split::groups(size_t bytes, size_t longest, size_t most_colons) const {
    std::vector<Group> found;
    bool alone = true;
    for (size_t i = 0; i < elements_.size(); ++i) {
        const Element& each = elements_[i];
        const bool odd = each.end - each.begin > longest || each.colons > most_colons;
        if (alone || odd || each.end - found.back().begin > bytes) {
            found.push_back({i, i + 1, each.begin, each.end, each.colons, !odd});
        } else {
            found.back().last = i + 1;
            found.back().end = each.end;
            found.back().colons += each.colons;
        }
        alone = odd;
    }
    return found;
}

#if defined(LEADSCORING_BLOCKS)
// Processes 64 bytes at a time, while they contain no backslash and the array is open.
void Split::blocks(size_t until) {
    while (at_ + 64 <= until && !escaped_ && !closed_) {
        const Block block(text_ + at_);
        if (block.where('\\')) return;
        const uint64_t strings = parity(block.where('"')) ^ (inside_ ? ~uint64_t(0) : 0);
        uint64_t colons = block.where(':') & ~strings;
        uint64_t marks = (block.where_either('[') | block.where_either(']')) & ~strings;
        if (marks || depth_ == 1) marks |= block.where(',') & ~strings;  // deeper commas end no element
        while (marks) {
            const int bit = __builtin_ctzll(marks);
            const uint64_t before = (uint64_t(1) << bit) - 1;
            if (depth_ == 1) {  // an element may end here: the colons before this belong to it
                colons_ += size_t(__builtin_popcountll(colons & before));
                colons &= ~before;
            }
            if (!mark(text_[at_ + size_t(bit)], at_ + size_t(bit))) return;
            if (closed_) {  // the rest is processed character by character
                inside_ = false;
                at_ += size_t(bit) + 1;
                return;
            }
            marks &= marks - 1;
        }
        colons_ += size_t(__builtin_popcountll(colons));
        inside_ = int64_t(strings) < 0;
        at_ += 64;
    }
}
#else
void Split::blocks(size_t) {}
#endif

}  // namespace leadscoring
