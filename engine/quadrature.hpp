#pragma once

#include <vector>

namespace leadscoring {

// Gauss-Legendre nodes and weights on [0, 1]; exact for polynomials of degree 2 * points - 1.
struct Quadrature {
    std::vector<double> node, weight;
};

Quadrature gauss_legendre(int points);

}  // namespace leadscoring
