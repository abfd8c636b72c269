// Part of kernel_body.hpp: the strongest contributions of a block of leads, side by side.

// Every feature is inserted into the ordered list of each lead, in registers' width and without branches. The first of
// equals stays in front: a feature only passes those that are weaker, and then everything behind it moves on.
void strongest(const float* phi, size_t features, int limit, int32_t* feature, float* value) {
    const Int sign = all(int32_t(0x7fffffff));
    for (int first = 0; first < kLanes; first += W) {
        for (int k = 0; k < limit; ++k) {
            *reinterpret_cast<Int*>(feature + k * kLanes + first) = all(int32_t(-1));
            *reinterpret_cast<Int*>(value + k * kLanes + first) = Int{};
        }
        for (size_t i = 0; i < features; ++i) {
            Int carried = *reinterpret_cast<const Int*>(phi + i * kLanes + first), name = all(int32_t(i)), moves = Int{};
            for (int k = 0; k < limit; ++k) {
                Int& known = *reinterpret_cast<Int*>(value + k * kLanes + first);
                Int& known_name = *reinterpret_cast<Int*>(feature + k * kLanes + first);
                moves |= (carried & sign) > (known & sign);  // positive floats are ordered as their bits
                const Int moved = known, moved_name = known_name;
                known = (carried & moves) | (known & ~moves);
                known_name = (name & moves) | (known_name & ~moves);
                carried = (moved & moves) | (carried & ~moves);
                name = (moved_name & moves) | (name & ~moves);
            }
        }
    }
}
