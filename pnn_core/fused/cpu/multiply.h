// Matrix products, by the BLAS that comes with torch.

#pragma once

#include <type_traits>

// BLAS functions, in Fortran's calling convention.
extern "C" {
void sgemm_(const char* transpose_a, const char* transpose_b, const int* m, const int* n,
            const int* k, const float* alpha, const float* a, const int* lda, const float* b,
            const int* ldb, const float* beta, float* c, const int* ldc);
void dgemm_(const char* transpose_a, const char* transpose_b, const int* m, const int* n,
            const int* k, const double* alpha, const double* a, const int* lda, const double* b,
            const int* ldb, const double* beta, double* c, const int* ldc);
}

namespace pnn {

// Matrix of rows that are `stride` numbers apart.
template <typename T>
struct Rows {
  T* first;
  int stride;
};

// C = op(A) op(B) + beta C with C [m, n], A [m, k] or transposed, B [k, n] or transposed; all of them
// row-major, which BLAS reads as their transposes.
template <typename T>
void multiply(bool transpose_a, bool transpose_b, int m, int n, int k, Rows<const T> a,
              Rows<const T> b, T beta, Rows<T> c) {
  const T alpha = 1;
  const char* op_a = transpose_a ? "T" : "N";
  const char* op_b = transpose_b ? "T" : "N";
  if constexpr (std::is_same_v<T, float>)
    sgemm_(op_b, op_a, &n, &m, &k, &alpha, b.first, &b.stride, a.first, &a.stride, &beta, c.first,
           &c.stride);
  else
    dgemm_(op_b, op_a, &n, &m, &k, &alpha, b.first, &b.stride, a.first, &a.stride, &beta, c.first,
           &c.stride);
}

}  // namespace pnn
