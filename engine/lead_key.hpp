#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace leadscoring {

inline constexpr size_t kKeyBytes = 16;

// The keys of leads: a keyed BLAKE2b (RFC 7693) of their ids, as hashlib computes it.
class LeadKey {
  public:
    // The secret has up to 64 bytes.
    explicit LeadKey(std::string_view secret);

    std::array<unsigned char, kKeyBytes> of(std::string_view id) const;

  private:
    using State = std::array<uint64_t, 8>;

    State begun_;  // after the secret, which is the same for every id
    State empty_;  // of an id without characters
};

}  // namespace leadscoring
