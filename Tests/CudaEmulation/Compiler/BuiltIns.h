// The vector types and functions that CUDA C++ has built in and kernels may use, made from what a compiler's prelude brings along: g++'s for the
// emulation, clang's for PTX.

struct __align__(8) float2 { float x, y; };
struct __align__(16) float4 { float x, y, z, w; };
struct __align__(8) int2 { int x, y; };
struct __align__(16) int4 { int x, y, z, w; };
struct __align__(16) double2 { double x, y; };
static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static inline int2 make_int2(int x, int y) { return {x, y}; }
static inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
static inline double2 make_double2(double x, double y) { return {x, y}; }

static inline int __syncthreads_count(int predicate) { return moe_emulation_syncthreads_vote(0, predicate); }
static inline int __syncthreads_or(int predicate) { return moe_emulation_syncthreads_vote(1, predicate); }
static inline int __syncthreads_and(int predicate) { return moe_emulation_syncthreads_vote(2, predicate); }
static inline void __syncwarp(unsigned mask = 0xFFFFFFFF) { moe_emulation_syncwarp(mask); }

template <typename Value>
static inline Value moe_shuffle(int kind, unsigned mask, Value value, unsigned argument, int width) {
    static_assert(sizeof(Value) == 4 || sizeof(Value) == 8, "shuffles move 4 or 8 bytes");
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, &value, sizeof value);
    bits = moe_emulation_shuffle(kind, mask, bits, argument, width);
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

#define MOE_SHUFFLES(Value)                                                                                                                       \
    static inline Value __shfl_sync(unsigned mask, Value v, int lane, int width = 32) { return moe_shuffle(0, mask, v, lane, width); }            \
    static inline Value __shfl_up_sync(unsigned mask, Value v, unsigned delta, int width = 32) { return moe_shuffle(1, mask, v, delta, width); }   \
    static inline Value __shfl_down_sync(unsigned mask, Value v, unsigned delta, int width = 32) { return moe_shuffle(2, mask, v, delta, width); } \
    static inline Value __shfl_xor_sync(unsigned mask, Value v, int lanes, int width = 32) { return moe_shuffle(3, mask, v, lanes, width); }
MOE_SHUFFLES(int)
MOE_SHUFFLES(unsigned)
MOE_SHUFFLES(long)
MOE_SHUFFLES(unsigned long)
MOE_SHUFFLES(long long)
MOE_SHUFFLES(unsigned long long)
MOE_SHUFFLES(float)
MOE_SHUFFLES(double)

static inline unsigned __ballot_sync(unsigned mask, int predicate) { return moe_emulation_vote(0, mask, predicate); }
static inline int __any_sync(unsigned mask, int predicate) { return moe_emulation_vote(1, mask, predicate); }
static inline int __all_sync(unsigned mask, int predicate) { return moe_emulation_vote(2, mask, predicate); }

// Integers only: what atomics on floats give depends on the order of threads.
#define MOE_ATOMICS(Value, Bits, larger, smaller)                                                                                        \
    static inline Value atomicAdd(Value* at, Value v) { return (Value)moe_emulation_atomic##Bits(at, 0, v, 0); }                          \
    static inline Value atomicSub(Value* at, Value v) { return (Value)moe_emulation_atomic##Bits(at, 0, 0 - v, 0); }                      \
    static inline Value atomicExch(Value* at, Value v) { return (Value)moe_emulation_atomic##Bits(at, 1, v, 0); }                         \
    static inline Value atomicMax(Value* at, Value v) { return (Value)moe_emulation_atomic##Bits(at, larger, v, 0); }                     \
    static inline Value atomicMin(Value* at, Value v) { return (Value)moe_emulation_atomic##Bits(at, smaller, v, 0); }                    \
    static inline Value atomicOr(Value* at, Value v) { return (Value)moe_emulation_atomic##Bits(at, 6, v, 0); }                           \
    static inline Value atomicAnd(Value* at, Value v) { return (Value)moe_emulation_atomic##Bits(at, 7, v, 0); }                          \
    static inline Value atomicCAS(Value* at, Value compare, Value v) { return (Value)moe_emulation_atomic##Bits(at, 8, v, compare); }
MOE_ATOMICS(int, 32, 4, 5)
MOE_ATOMICS(unsigned, 32, 2, 3)
MOE_ATOMICS(unsigned long long, 64, 2, 3)

template <typename Value>
static inline Value __ldg(const Value* at) { return *at; }

static inline int __popc(unsigned v) { return __builtin_popcount(v); }
static inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
static inline int __clz(int v) { return v == 0 ? 32 : __builtin_clz(v); }
static inline int __clzll(long long v) { return v == 0 ? 64 : __builtin_clzll(v); }
static inline int __ffs(int v) { return __builtin_ffs(v); }
static inline int __ffsll(long long v) { return __builtin_ffsll(v); }
static inline unsigned __brev(unsigned v) {
    unsigned reversed = 0;
    for (int i = 0; i < 32; ++i) {
        reversed |= (v >> i & 1) << (31 - i);
    }
    return reversed;
}
static inline int __mulhi(int a, int b) { return (int)((long long)a * b >> 32); }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}

static inline float __uint_as_float(unsigned v) { return __builtin_bit_cast(float, v); }
static inline unsigned __float_as_uint(float v) { return __builtin_bit_cast(unsigned, v); }
static inline float __int_as_float(int v) { return __builtin_bit_cast(float, v); }
static inline int __float_as_int(float v) { return __builtin_bit_cast(int, v); }
static inline double __longlong_as_double(long long v) { return __builtin_bit_cast(double, v); }
static inline long long __double_as_longlong(double v) { return __builtin_bit_cast(long long, v); }

// The C library's functions, each also for floats under the name of doubles, as CUDA C++ has them.
#define MOE_MATH1(name)                                               \
    static inline float name##f(float x) { return __builtin_##name##f(x); } \
    static inline double name(double x) { return __builtin_##name(x); }     \
    static inline float name(float x) { return __builtin_##name##f(x); }
#define MOE_MATH2(name)                                                              \
    static inline float name##f(float x, float y) { return __builtin_##name##f(x, y); }    \
    static inline double name(double x, double y) { return __builtin_##name(x, y); }       \
    static inline float name(float x, float y) { return __builtin_##name##f(x, y); }
MOE_MATH1(exp) MOE_MATH1(exp2) MOE_MATH1(expm1) MOE_MATH1(log) MOE_MATH1(log2) MOE_MATH1(log10) MOE_MATH1(log1p)
MOE_MATH1(sqrt) MOE_MATH1(cbrt) MOE_MATH1(sin) MOE_MATH1(cos) MOE_MATH1(tan) MOE_MATH1(asin) MOE_MATH1(acos) MOE_MATH1(atan)
MOE_MATH1(sinh) MOE_MATH1(cosh) MOE_MATH1(tanh) MOE_MATH1(erf) MOE_MATH1(erfc) MOE_MATH1(fabs)
MOE_MATH1(floor) MOE_MATH1(ceil) MOE_MATH1(trunc) MOE_MATH1(round) MOE_MATH1(rint) MOE_MATH1(nearbyint)
MOE_MATH2(pow) MOE_MATH2(fmod) MOE_MATH2(fmin) MOE_MATH2(fmax) MOE_MATH2(atan2) MOE_MATH2(copysign) MOE_MATH2(hypot)
static inline float fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
static inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline float ldexpf(float x, int e) { return __builtin_ldexpf(x, e); }
static inline double ldexp(double x, int e) { return __builtin_ldexp(x, e); }
static inline float rsqrtf(float x) { return 1.0f / __builtin_sqrtf(x); }
static inline double rsqrt(double x) { return 1.0 / __builtin_sqrt(x); }
static inline float rsqrt(float x) { return rsqrtf(x); }
static inline float normcdff(float x) { return 0.5f * __builtin_erfcf(-x * 0.70710678f); }
static inline void sincosf(float x, float* s, float* c) { *s = __builtin_sinf(x); *c = __builtin_cosf(x); }
static inline void sincos(double x, double* s, double* c) { *s = __builtin_sin(x); *c = __builtin_cos(x); }
static inline void sincos(float x, float* s, float* c) { sincosf(x, s, c); }
static inline bool isnan(double x) { return __builtin_isnan(x); }
static inline bool isnan(float x) { return __builtin_isnan(x); }
static inline bool isinf(double x) { return __builtin_isinf(x); }
static inline bool isinf(float x) { return __builtin_isinf(x); }
static inline bool isfinite(double x) { return __builtin_isfinite(x); }
static inline bool isfinite(float x) { return __builtin_isfinite(x); }
static inline int abs(int x) { return __builtin_abs(x); }
static inline long long abs(long long x) { return __builtin_llabs(x); }
static inline float abs(float x) { return __builtin_fabsf(x); }
static inline double abs(double x) { return __builtin_fabs(x); }

static inline float __fadd_rn(float a, float b) { volatile float sum = a + b; return sum; }
static inline float __fmul_rn(float a, float b) { volatile float product = a * b; return product; }
static inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline float __fsqrt_rn(float a) { return __builtin_sqrtf(a); }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline double __dadd_rn(double a, double b) { volatile double sum = a + b; return sum; }
static inline double __dmul_rn(double a, double b) { volatile double product = a * b; return product; }
static inline int __float2int_rn(float x) { return (int)__builtin_rintf(x); }
static inline int __float2int_rz(float x) { return (int)x; }
static inline float __int2float_rn(int x) { return (float)x; }

#define MOE_LESSER(Value)                                                       \
    static inline Value min(Value a, Value b) { return b < a ? b : a; }         \
    static inline Value max(Value a, Value b) { return a < b ? b : a; }
MOE_LESSER(int) MOE_LESSER(unsigned) MOE_LESSER(long) MOE_LESSER(unsigned long) MOE_LESSER(long long) MOE_LESSER(unsigned long long)
static inline unsigned min(int a, unsigned b) { return min((unsigned)a, b); }
static inline unsigned min(unsigned a, int b) { return min(a, (unsigned)b); }
static inline unsigned max(int a, unsigned b) { return max((unsigned)a, b); }
static inline unsigned max(unsigned a, int b) { return max(a, (unsigned)b); }
// Of floats the one that is a number.
static inline float min(float a, float b) { return __builtin_fminf(a, b); }
static inline float max(float a, float b) { return __builtin_fmaxf(a, b); }
static inline double min(double a, double b) { return __builtin_fmin(a, b); }
static inline double max(double a, double b) { return __builtin_fmax(a, b); }
static inline double min(float a, double b) { return __builtin_fmin(a, b); }
static inline double min(double a, float b) { return __builtin_fmin(a, b); }
static inline double max(float a, double b) { return __builtin_fmax(a, b); }
static inline double max(double a, float b) { return __builtin_fmax(a, b); }
