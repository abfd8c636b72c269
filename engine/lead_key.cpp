#include "lead_key.hpp"

#include <cstring>
#include <stdexcept>

namespace leadscoring {

namespace {

constexpr size_t kBlock = 128, kLongestSecret = 64;

constexpr uint64_t kStart[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

constexpr uint8_t kOrder[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

constexpr int kRounds = 12;

inline uint64_t turned(uint64_t value, int bits) { return (value >> bits) | (value << (64 - bits)); }

inline void mix(uint64_t& a, uint64_t& b, uint64_t& c, uint64_t& d, uint64_t x, uint64_t y) {
    a += b + x;
    d = turned(d ^ a, 32);
    c += d;
    b = turned(b ^ c, 24);
    a += b + y;
    d = turned(d ^ a, 16);
    c += d;
    b = turned(b ^ c, 63);
}

// Adds a block, which ends after `count` bytes of secret block and id together.
void compress(std::array<uint64_t, 8>& state, const unsigned char* block, uint64_t count, bool is_last) {
    uint64_t m[16], v[16];
    std::memcpy(m, block, kBlock);
    for (size_t i = 0; i < 8; ++i) v[i] = state[i];
    for (size_t i = 0; i < 8; ++i) v[i + 8] = kStart[i];
    v[12] ^= count;
    if (is_last) v[14] = ~v[14];
    for (int round = 0; round < kRounds; ++round) {
        const uint8_t* s = kOrder[round % 10];
        mix(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
        mix(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
        mix(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
        mix(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
        mix(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
        mix(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
        mix(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
        mix(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
    }
    for (size_t i = 0; i < 8; ++i) state[i] ^= v[i] ^ v[i + 8];
}

}  // namespace

LeadKey::LeadKey(std::string_view secret) {
    if (secret.empty() || secret.size() > kLongestSecret) throw std::invalid_argument("a secret has 1 to 64 bytes");
    for (size_t i = 0; i < 8; ++i) begun_[i] = kStart[i];
    begun_[0] ^= 0x01010000 ^ (uint64_t(secret.size()) << 8) ^ kKeyBytes;
    unsigned char block[kBlock] = {};
    std::memcpy(block, secret.data(), secret.size());
    empty_ = begun_;
    compress(empty_, block, kBlock, true);
    compress(begun_, block, kBlock, false);
}

std::array<unsigned char, kKeyBytes> LeadKey::of(std::string_view id) const {
    State state = id.empty() ? empty_ : begun_;
    const auto* bytes = reinterpret_cast<const unsigned char*>(id.data());
    for (size_t done = 0; done < id.size(); done += kBlock) {
        const size_t rest = id.size() - done;
        if (rest > kBlock) {
            compress(state, bytes + done, kBlock + done + kBlock, false);
            continue;
        }
        unsigned char block[kBlock] = {};
        std::memcpy(block, bytes + done, rest);
        compress(state, block, kBlock + id.size(), true);
    }
    std::array<unsigned char, kKeyBytes> key;
    std::memcpy(key.data(), state.data(), kKeyBytes);
    return key;
}

}  // namespace leadscoring
