#ifndef TINYBLAS_H
#define TINYBLAS_H
// The four BLAS level 1 routines that liblinear.a leaves open, as plain loops. Linking the system's libblas instead
// would map OpenBLAS before `main`, and it would then choose its kernels before the process can say which.
double ddot_(int *n, double *x, int *incx, double *y, int *incy);
int daxpy_(int *n, double *a, double *x, int *incx, double *y, int *incy);
double dnrm2_(int *n, double *x, int *incx);
int dscal_(int *n, double *a, double *x, int *incx);
#endif
