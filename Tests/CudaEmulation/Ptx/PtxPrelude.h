// What NVRTC knows without an include, for clang, which makes PTX of the kernels: the device's own instructions, by the compiler's built-in functions.

#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __host__ __attribute__((host))
#define __constant__ __attribute__((constant))
#define __shared__ __attribute__((shared))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __align__(bytes) __attribute__((aligned(bytes)))

typedef __SIZE_TYPE__ size_t;

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x, y, z; };

#define threadIdx (moe_thread_index())
#define blockIdx (moe_block_index())
#define blockDim (moe_block_size())
#define gridDim (moe_grid_size())
#define warpSize 32

#define MOE_PTX_INDEX(Name, Type, special)                                                                          \
    static __device__ __forceinline__ Type Name() {                                                                  \
        return {(unsigned)__nvvm_read_ptx_sreg_##special##_x(), (unsigned)__nvvm_read_ptx_sreg_##special##_y(),      \
            (unsigned)__nvvm_read_ptx_sreg_##special##_z()};                                                         \
    }
MOE_PTX_INDEX(moe_thread_index, uint3, tid)
MOE_PTX_INDEX(moe_block_index, uint3, ctaid)
MOE_PTX_INDEX(moe_block_size, dim3, ntid)
MOE_PTX_INDEX(moe_grid_size, dim3, nctaid)

static __device__ __forceinline__ int moe_emulation_syncthreads_vote(int kind, int predicate) {
    return kind == 0 ? __nvvm_bar0_popc(predicate) : kind == 1 ? __nvvm_bar0_or(predicate) : __nvvm_bar0_and(predicate);
}
static __device__ __forceinline__ void moe_emulation_syncwarp(unsigned mask) { __nvvm_bar_warp_sync(mask); }

static __device__ __forceinline__ unsigned moe_shuffle_word(int kind, unsigned mask, unsigned value, unsigned argument, unsigned width) {
    const int segment = (32 - width) << 8, word = (int)value, lanes = (int)argument;
    return (unsigned)(kind == 0 ? __nvvm_shfl_sync_idx_i32(mask, word, lanes, segment | 31)
        : kind == 1             ? __nvvm_shfl_sync_up_i32(mask, word, lanes, segment)
        : kind == 2             ? __nvvm_shfl_sync_down_i32(mask, word, lanes, segment | 31)
                                : __nvvm_shfl_sync_bfly_i32(mask, word, lanes, segment | 31));
}
static __device__ __forceinline__ unsigned long long moe_emulation_shuffle(
    int kind, unsigned mask, unsigned long long value, unsigned argument, unsigned width) {
    const unsigned low = moe_shuffle_word(kind, mask, (unsigned)value, argument, width);
    return low | (unsigned long long)moe_shuffle_word(kind, mask, (unsigned)(value >> 32), argument, width) << 32;
}

static __device__ __forceinline__ unsigned moe_emulation_vote(int kind, unsigned mask, int predicate) {
    return kind == 0 ? __nvvm_vote_ballot_sync(mask, predicate)
        : kind == 1  ? __nvvm_vote_any_sync(mask, predicate)
                     : __nvvm_vote_all_sync(mask, predicate);
}

#define MOE_PTX_ATOMIC(Name, Value, Signed)                                                                                     \
    static __device__ __forceinline__ Value Name(void* address, int kind, Value value, Value compare) {                         \
        Value* at = (Value*)address;                                                                                            \
        switch (kind) {                                                                                                         \
            case 0: return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);                                                     \
            case 1: return __atomic_exchange_n(at, value, __ATOMIC_RELAXED);                                                    \
            case 2: return __atomic_fetch_max(at, value, __ATOMIC_RELAXED);                                                     \
            case 3: return __atomic_fetch_min(at, value, __ATOMIC_RELAXED);                                                     \
            case 4: return (Value)__atomic_fetch_max((Signed*)at, (Signed)value, __ATOMIC_RELAXED);                             \
            case 5: return (Value)__atomic_fetch_min((Signed*)at, (Signed)value, __ATOMIC_RELAXED);                             \
            case 6: return __atomic_fetch_or(at, value, __ATOMIC_RELAXED);                                                      \
            case 7: return __atomic_fetch_and(at, value, __ATOMIC_RELAXED);                                                     \
            default: __atomic_compare_exchange_n(at, &compare, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED); return compare; \
        }                                                                                                                       \
    }
MOE_PTX_ATOMIC(moe_emulation_atomic32, unsigned, int)
MOE_PTX_ATOMIC(moe_emulation_atomic64, unsigned long long, long long)

#pragma clang force_cuda_host_device begin
#include "BuiltIns.h"
#pragma clang force_cuda_host_device end
