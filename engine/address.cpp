#include "address.hpp"

#include <algorithm>

namespace leadscoring {

namespace {

constexpr size_t kLongestLocal = 256, kLongestDomain = 1012;  // 64 and 253 characters of up to four bytes

bool is_other(char c) { return (c & 0x80) != 0; }  // not of ASCII
bool is_control(char c) { return (!is_other(c) && c <= ' ') || c == 127; }

bool in_local(char c) { return !is_control(c) && std::string_view("@\"(),:;<>[\\]").find(c) == std::string_view::npos; }

bool in_domain(char c) {
    return is_other(c) || c == '-' || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

bool is_domain(std::string_view text) {
    size_t labels = 1, length = 0;
    for (const char c : text) {
        if (c == '.') {
            if (length == 0) return false;
            ++labels;
            length = 0;
        } else if (in_domain(c)) {
            ++length;
        } else {
            return false;
        }
    }
    return labels > 1 && length > 0;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

// What is between the last angle brackets, if it ends with one; without the scheme of a link.
std::string_view without_name(std::string_view text) {
    constexpr std::string_view kScheme = "mailto:";
    const size_t open = text.empty() || text.back() != '>' ? std::string_view::npos : text.rfind('<');
    if (open != std::string_view::npos) text = trimmed(text.substr(open + 1, text.size() - open - 2));
    return text.substr(0, kScheme.size()) == kScheme ? trimmed(text.substr(kScheme.size())) : text;
}

}  // namespace

Address address_of(std::string_view text) {
    text = without_name(text);
    const size_t at = text.find('@');
    if (at == std::string_view::npos) return {};
    const std::string_view local = text.substr(0, at);
    std::string_view domain = text.substr(at + 1);
    if (!domain.empty() && domain.back() == '.') domain.remove_suffix(1);
    if (local.empty() || local.size() > kLongestLocal || domain.size() > kLongestDomain) return {};
    if (!std::all_of(local.begin(), local.end(), in_local) || !is_domain(domain)) return {};
    return {local, domain};
}

}  // namespace leadscoring
