#pragma once

#include <string_view>

namespace leadscoring {

// The two parts of an e-mail address; both empty if it is none.
struct Address {
    std::string_view local, domain;
    explicit operator bool() const { return !domain.empty(); }
};

// Splits a folded text without spaces around it, also `Name <address>` and `mailto:address`. A domain has two labels or more, and no dot at its end.
Address address_of(std::string_view text);

}  // namespace leadscoring
