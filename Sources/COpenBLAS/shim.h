// Types only: the library is opened at run time, so that it chooses its kernels after the environment is set.
#include <cblas.h>
