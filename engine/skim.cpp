#include "skim.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace leadscoring {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex(char c) {
    if (is_digit(c)) return c - '0';
    c = char(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void append(std::string& text, unsigned code) {
    if (code < 0x80) {
        text += char(code);
    } else if (code < 0x800) {
        text += {char(0xC0 | code >> 6), char(0x80 | (code & 0x3F))};
    } else if (code < 0x10000) {
        text += {char(0xE0 | code >> 12), char(0x80 | (code >> 6 & 0x3F)), char(0x80 | (code & 0x3F))};
    } else {
        text += {char(0xF0 | code >> 18), char(0x80 | (code >> 12 & 0x3F)), char(0x80 | (code >> 6 & 0x3F)),
                 char(0x80 | (code & 0x3F))};
    }
}

unsigned four(const char* digits) {
    unsigned code = 0;
    for (int i = 0; i < 4; ++i) code = code << 4 | unsigned(hex(digits[i]));
    return code;
}

// Decodes escapes that have been validated. Lone surrogates become bytes that occur in no name.
std::string unescaped(std::string_view raw) {
    std::string text;
    for (size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] != '\\') {
            text += raw[i];
            continue;
        }
        static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
        const char c = raw[++i];
        const char* found = std::strchr(from, c);
        if (c != 'u') {
            text += found ? to[found - from] : c;
            continue;
        }
        unsigned code = four(&raw[i + 1]);
        i += 4;
        if (code >= 0xD800 && code < 0xDC00 && i + 6 < raw.size() && raw[i + 1] == '\\' && raw[i + 2] == 'u') {
            const unsigned low = four(&raw[i + 3]);
            if (low >= 0xDC00 && low < 0xE000) {
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                i += 6;
            }
        }
        append(text, code);
    }
    return text;
}

}  // namespace

Names::Names(std::vector<std::string> names) : names_(std::move(names)) {
    for (size_t i = 0; i < names_.size(); ++i) {
        places_.emplace(names_[i], int(i));
        longest_ = std::max(longest_, names_[i].size());
    }
}

int Names::find(std::string_view name) const {
    const auto found = places_.find(name);
    return found == places_.end() ? -1 : found->second;
}

Skim::Skim(const Names& outer, int inner, const Names& names, const char* text, size_t begin, size_t end)
    : names_{&outer, &names}, inner_(inner), text_(text), at_(begin), end_(end) {
    for (int i = 0; i < 2; ++i) {
        keys_[i].values.resize(names_[i]->size());
        keys_[i].times.resize(names_[i]->size());
    }
}

bool Skim::step(size_t bytes) {
    const size_t until = end_ - at_ <= bytes ? end_ : at_ + bytes;
    while (state_ != State::done && at_ < until) {
        if (state_ == State::text) {
            read_text(until);
        } else if (state_ == State::number) {
            read_number(until);
        } else if (is_blank(text_[at_])) {
            ++at_;
        } else {
            token();
        }
    }
    if (state_ == State::done || at_ < end_) return state_ == State::done;
    if (state_ == State::number) read_number(end_);  // a bare number ends at the end of the text only
    if (state_ == State::after && depth_ == 0) state_ = State::done;
    else if (state_ != State::done) fail("the text ends before the value does");
    return true;
}

void Skim::token() {
    const char c = text_[at_];
    switch (state_) {
        case State::value_or_end:
            if (c == ']') return close(c);
            [[fallthrough]];
        case State::value: return begin_value(c);
        case State::key_or_end:
            if (c == '}') return close(c);
            [[fallthrough]];
        case State::key:
            if (c != '"') return fail("a key in quotation marks is expected");
            is_key_ = true;
            escaped_ = false;
            token_ = at_++;
            state_ = State::text;
            return;
        case State::colon:
            if (c != ':') return fail("':' is expected");
            ++at_;
            state_ = State::value;
            return;
        default: break;
    }
    if (depth_ == 0) return fail("something follows the value");
    if (c == ']' || c == '}') return close(c);
    if (c != ',') return fail(objects_[depth_] ? "',' or '}' is expected" : "',' or ']' is expected");
    ++at_;
    state_ = objects_[depth_] ? State::key : State::value;
}

void Skim::begin_value(char c) {
    if (depth_ == 0) root_.begin = at_;
    if (depth_ == 1 && open_value_[0]) open_value_[0]->begin = at_;
    if (depth_ == 2 && open_value_[1]) open_value_[1]->begin = at_;
    if (c == '{' || c == '[') return open(c);
    if (c == '"') {
        is_key_ = escaped_ = false;
        token_ = at_++;
        state_ = State::text;
    } else if (c == '-' || is_digit(c)) {
        part_ = c == '-' ? Part::sign : c == '0' ? Part::zero : Part::whole;
        ++at_;
        state_ = State::number;
    } else if (!word("true") && !word("false") && !word("null") && !word("NaN") && !word("Infinity")) {
        fail("a value is expected");
    }
}

bool Skim::word(const char* literal) {
    const size_t length = std::strlen(literal);
    if (end_ - at_ < length || std::memcmp(text_ + at_, literal, length) != 0) return false;
    at_ += length;
    end_value(at_);
    return true;
}

void Skim::end_value(size_t end) {
    if (depth_ == 0) root_.end = end;
    if (depth_ == 1 && open_value_[0]) std::exchange(open_value_[0], nullptr)->end = end;
    if (depth_ == 2 && open_value_[1]) std::exchange(open_value_[1], nullptr)->end = end;
    state_ = State::after;
}

void Skim::open(char c) {
    if (depth_ == kDeepest) return fail("nested too deeply");
    if (depth_ == 1 && next_is_inner_ && c == '{') {  // the last of repeated keys counts
        inside_inner_ = true;
        keys_[1] = Keys{std::vector<Span>(names_[1]->size()), std::vector<size_t>(names_[1]->size()), {}, 0};
        seen_[1].clear();
    }
    objects_[++depth_] = c == '{';
    ++at_;
    state_ = c == '{' ? State::key_or_end : State::value_or_end;
}

void Skim::close(char c) {
    if ((c == '}') != objects_[depth_]) return fail(objects_[depth_] ? "',' or '}' is expected" : "',' or ']' is expected");
    if (depth_ == 2) {
        inside_inner_ = false;
        open_value_[1] = nullptr;
    }
    --depth_;
    end_value(++at_);
}

void Skim::read_text(size_t until) {
    while (at_ < until) {
        const unsigned char c = static_cast<unsigned char>(text_[at_]);
        if (c == '"') return end_text();
        if (c == '\\') {
            if (!escape()) return;
        } else if (c < 0x20) {
            return fail("a control character stands in a text");
        } else if (c < 0x80) {
            ++at_;
        } else if (!wide(c)) {
            return fail("not UTF-8");
        }
    }
}

// Scans an escape sequence; false if it is invalid.
bool Skim::escape() {
    escaped_ = true;
    if (end_ - at_ < 2) return fail("the text ends before the value does"), false;
    const char c = text_[at_ + 1];
    if (c != 'u') {
        if (!std::strchr("\"\\/bfnrt", c) || !c) return fail("a backslash must begin an escape"), false;
        at_ += 2;
        return true;
    }
    for (size_t i = 2; i < 6; ++i)
        if (end_ - at_ <= i || hex(text_[at_ + i]) < 0) return fail("\\u must come with four hexadecimal digits"), false;
    at_ += 6;
    return true;
}

// Scans a UTF-8 sequence that begins with c (Unicode, table 3-7); false if it is invalid.
bool Skim::wide(unsigned char c) {
    const auto byte = [&](size_t i) { return at_ + i < end_ ? static_cast<unsigned char>(text_[at_ + i]) : 0u; };
    const size_t length = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (c < 0xC2 || c > 0xF4) return false;
    const unsigned low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80, high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (byte(1) < low || byte(1) > high) return false;
    for (size_t i = 2; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return false;
    at_ += length;
    return true;
}

void Skim::end_text() {
    const size_t end = ++at_;
    if (!is_key_) return end_value(end);
    state_ = State::colon;
    key({token_ + 1, end - 1}, escaped_);
}

void Skim::key(Span name, bool escaped) {
    Keys* keys = level();
    if (!keys) return;
    const size_t which = depth_ - 1;
    const Names& names = *names_[which];
    const std::string_view raw(text_ + name.begin, name.end - name.begin);
    int place = -1;
    if (!escaped) place = names.find(raw);
    else if (raw.size() <= 6 * names.longest()) place = names.find(unescaped(raw));
    if (which == 0) next_is_inner_ = place == inner_;
    if (place >= 0) {
        ++keys->times[size_t(place)];
        open_value_[which] = &keys->values[size_t(place)];
        return;
    }
    open_value_[which] = nullptr;
    const auto seen = seen_[which].find(raw);
    if (seen != seen_[which].end()) {
        Keys::Unknown& again = keys->unknown[seen->second];
        ++again.times;
        open_value_[which] = &again.value;
        return;
    }
    ++keys->unknown_count;
    if (keys->unknown.size() < kUnknownKept) {
        if (keys->unknown.empty()) keys->unknown.reserve(kUnknownKept);  // keeps pointers into it valid
        seen_[which].emplace(raw, keys->unknown.size());
        keys->unknown.push_back({name, {}, 1});
        open_value_[which] = &keys->unknown.back().value;
    }
}

void Skim::read_number(size_t until) {
    const bool last = until == end_;
    for (;; ++at_) {
        const char c = at_ < until ? text_[at_] : last ? ' ' : '0';
        if (at_ >= until && !last) return;
        const bool digit = is_digit(c), e = c == 'e' || c == 'E';
        switch (part_) {
            case Part::sign:
                if (c == 'I' && word("Infinity")) return;
                if (!digit) return fail("a number must have digits");
                part_ = c == '0' ? Part::zero : Part::whole;
                continue;
            case Part::whole:
                if (digit) continue;
                [[fallthrough]];
            case Part::zero:
                if (c == '.') part_ = Part::point;
                else if (e) part_ = Part::exponent;
                else return end_value(at_);
                continue;
            case Part::point:
                if (!digit) return fail("a number must have digits behind its point");
                part_ = Part::fraction;
                continue;
            case Part::fraction:
                if (digit) continue;
                if (!e) return end_value(at_);
                part_ = Part::exponent;
                continue;
            case Part::exponent:
                if (c == '+' || c == '-') {
                    part_ = Part::exponent_sign;
                    continue;
                }
                [[fallthrough]];
            case Part::exponent_sign:
                if (!digit) return fail("an exponent must have digits");
                part_ = Part::power;
                continue;
            case Part::power:
                if (digit) continue;
                return end_value(at_);
        }
    }
}

}  // namespace leadscoring
