// What NVRTC knows without an include, for g++: the qualifiers, built-in variables and functions of CUDA C++ that the kernels may use.
// Loads, stores and calls into the emulation are all that is left of a device.

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __shared__ static __attribute__((section("moe_shared")))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __CUDACC__ 1
#define __CUDACC_RTC__ 1

typedef __SIZE_TYPE__ size_t;

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x, y, z; };

extern "C" {
uint3 moe_emulation_thread_index() __attribute__((const));
uint3 moe_emulation_block_index() __attribute__((const));
dim3 moe_emulation_block_size() __attribute__((const));
dim3 moe_emulation_grid_size() __attribute__((const));
void moe_emulation_syncthreads();
int moe_emulation_syncthreads_vote(int kind, int predicate);
void moe_emulation_syncwarp(unsigned mask);
unsigned long long moe_emulation_shuffle(int kind, unsigned mask, unsigned long long value, unsigned argument, unsigned width);
unsigned moe_emulation_vote(int kind, unsigned mask, int predicate);
unsigned moe_emulation_atomic32(void* address, int kind, unsigned value, unsigned compare);
unsigned long long moe_emulation_atomic64(void* address, int kind, unsigned long long value, unsigned long long compare);
}

#define threadIdx (moe_emulation_thread_index())
#define blockIdx (moe_emulation_block_index())
#define blockDim (moe_emulation_block_size())
#define gridDim (moe_emulation_grid_size())
#define warpSize 32

static inline void __syncthreads() { moe_emulation_syncthreads(); }

#include "BuiltIns.h"

// How the loader finds kernels and the shared memory of a module.
struct MoeKernel {
    void (*run)(void** arguments);
    int parameterCount;
    const size_t* parameterSizes;
    int mostThreads;
};

template <auto Kernel>
struct MoeKernelOf;

template <typename... Parameters, void (*Kernel)(Parameters...)>
struct MoeKernelOf<Kernel> {
    static constexpr size_t sizes[sizeof...(Parameters) + 1] = {sizeof(Parameters)..., 0};

    template <int... Index>
    struct Indices {};
    template <int Count, int... Index>
    struct Counted : Counted<Count - 1, Count - 1, Index...> {};
    template <int... Index>
    struct Counted<0, Index...> {
        using Type = Indices<Index...>;
    };

    template <int... Index>
    __attribute__((no_sanitize("thread", "alignment", "bounds"))) static void call(void** arguments, Indices<Index...>) {
        Kernel(*static_cast<Parameters*>(arguments[Index])...);
    }

    __attribute__((no_sanitize("thread", "alignment", "bounds"))) static void run(void** arguments) {
        call(arguments, typename Counted<sizeof...(Parameters)>::Type{});
    }
};

#define MOE_KERNEL(name, threads)                                                                                                       \
    extern "C" __attribute__((visibility("default"), used)) const MoeKernel moe_kernel_##name = {                                       \
        &MoeKernelOf<&name>::run, (int)(sizeof MoeKernelOf<&name>::sizes / sizeof(size_t)) - 1, MoeKernelOf<&name>::sizes, threads};

// Shared memory: what kernels declare lies in one section, and the dynamic part here.
extern "C" {
extern char __start_moe_shared[] __attribute__((weak, visibility("hidden")));
extern char __stop_moe_shared[] __attribute__((weak, visibility("hidden")));
__attribute__((visibility("hidden"), used, aligned(256))) char moe_dynamic_shared[227 << 10];
__attribute__((visibility("default"), used, no_sanitize("thread"))) char** moe_shared_memory() {
    static char* found[3];
    found[0] = __start_moe_shared;
    found[1] = __stop_moe_shared;
    found[2] = moe_dynamic_shared;
    return found;
}
}
