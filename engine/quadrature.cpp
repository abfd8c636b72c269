#include "quadrature.hpp"

#include <cmath>

namespace leadscoring {

Quadrature gauss_legendre(int points) {
    const double pi = 3.14159265358979323846;
    Quadrature result;
    result.node.resize(points);
    result.weight.resize(points);
    for (int i = 0; i < points; ++i) {
        // Newton's method on the Legendre polynomial, from Tricomi's guess of its i-th root.
        double x = std::cos(pi * (i + 0.75) / (points + 0.5)), slope = 1;
        for (int round = 0; round < 100; ++round) {
            double before = 1, value = x;
            for (int k = 2; k <= points; ++k) {
                const double next = ((2 * k - 1) * x * value - (k - 1) * before) / k;
                before = value;
                value = next;
            }
            slope = points * (x * value - before) / (x * x - 1);
            const double step = value / slope;
            x -= step;
            if (std::fabs(step) < 1e-15) break;
        }
        result.node[i] = (1 - x) / 2;
        result.weight[i] = 1 / ((1 - x * x) * slope * slope);
    }
    return result;
}

}  // namespace leadscoring
