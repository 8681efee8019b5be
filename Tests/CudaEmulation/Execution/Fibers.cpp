#include "Fibers.h"
#include "../Faults/Faults.h"
#include <cstdlib>
#include <sys/mman.h>

// System V calling convention of x86-64: what a callee must keep goes onto the stack.
asm(R"(
.text
.globl moe_emulation_switch
.hidden moe_emulation_switch
.type moe_emulation_switch,@function
moe_emulation_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size moe_emulation_switch,.-moe_emulation_switch
)");

namespace emulation::fibers {

uintptr_t stacksBegin, stacksEnd;

void prepare(unsigned count) {
    if (stacksBegin != 0) {
        return;
    }
    void* claimed = mmap(nullptr, count * StackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (claimed == MAP_FAILED) {
        report("setup", "no memory for stacks");
        std::abort();
    }
    stacksBegin = reinterpret_cast<uintptr_t>(claimed);
    stacksEnd = stacksBegin + count * StackBytes;
    for (unsigned i = 0; i < count; ++i) {
        mprotect(reinterpret_cast<void*>(stacksBegin + i * StackBytes), 4096, PROT_NONE);
    }
}

void* fresh(unsigned stack, void (*entry)()) {
    // Tops differ by some cache lines, as equal ones would all fall into the same sets.
    uintptr_t top = stacksBegin + (stack + 1) * StackBytes - (stack % 61) * 64;
    auto* words = reinterpret_cast<void**>(top & ~static_cast<uintptr_t>(15));
    *--words = nullptr;  // where entry's caller would go on
    *--words = reinterpret_cast<void*>(entry);
    for (int i = 0; i < 6; ++i) {
        *--words = nullptr;
    }
    return words;
}

}
