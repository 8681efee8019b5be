#include "Image.h"
#include "../Faults/Faults.h"
#include <algorithm>
#include <cstring>
#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

namespace emulation::image {

namespace {

/// Where the loaded object lies, from its program headers.
void measure(Module& module) {
    link_map* map = nullptr;
    if (dlinfo(module.library, RTLD_DI_LINKMAP, &map) != 0) {
        return;
    }
    struct Search {
        uintptr_t address;
        Module* module;
    } search{map->l_addr, &module};
    dl_iterate_phdr([](dl_phdr_info* info, size_t, void* data) {
        auto& wanted = *static_cast<Search*>(data);
        if (info->dlpi_addr != wanted.address) {
            return 0;
        }
        wanted.module->imageBegin = info->dlpi_addr;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
            if (info->dlpi_phdr[i].p_type == PT_LOAD) {
                wanted.module->imageEnd = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
            }
        }
        return 1;
    }, &search);
}

/// Sizes and places of the variables in shared memory, from the symbol table.
void findShared(Module& module, const char* object) {
    const auto& file = *reinterpret_cast<const ElfW(Ehdr)*>(object);
    const auto* sections = reinterpret_cast<const ElfW(Shdr)*>(object + file.e_shoff);
    const char* names = object + sections[file.e_shstrndx].sh_offset;
    const auto sharedBegin = reinterpret_cast<uintptr_t>(module.sharedBegin) - module.imageBegin;
    module.sharedSizes.push_back(0);
    module.sharedVariables.resize(static_cast<size_t>(module.sharedEnd - module.sharedBegin) / 4 + 1);
    for (int i = 0; i < file.e_shnum; ++i) {
        if (sections[i].sh_type != SHT_SYMTAB) {
            continue;
        }
        const auto* symbols = reinterpret_cast<const ElfW(Sym)*>(object + sections[i].sh_offset);
        for (size_t s = 0; s < sections[i].sh_size / sizeof *symbols; ++s) {
            const auto& symbol = symbols[s];
            const bool isVariable = ELF64_ST_TYPE(symbol.st_info) == STT_OBJECT && symbol.st_shndx < file.e_shnum;
            if (isVariable && std::strcmp(names + sections[symbol.st_shndx].sh_name, "moe_shared") == 0) {
                std::fill_n(module.sharedVariables.begin() + static_cast<ptrdiff_t>((symbol.st_value - sharedBegin) / 4), (symbol.st_size + 3) / 4,
                    static_cast<uint16_t>(module.sharedSizes.size()));
                module.sharedSizes.push_back(static_cast<unsigned>(symbol.st_size));
            }
        }
    }
}

}

bool suits(const void* bytes, int capability) {
    Header header;
    std::memcpy(&header, bytes, sizeof header);
    const auto device = static_cast<uint64_t>(capability);
    return std::memcmp(header.magic, Magic, sizeof Magic) != 0 || (header.capability / 10 == device / 10 && header.capability <= device);
}

Module* load(const void* bytes, std::string& problem) {
    Header header;
    std::memcpy(&header, bytes, sizeof header);
    if (std::memcmp(header.magic, Magic, sizeof Magic) != 0) {
        problem = "not an image that the emulated compiler made";
        return nullptr;
    }
    const int file = memfd_create("kernels", MFD_CLOEXEC);
    const char* object = static_cast<const char*>(bytes) + sizeof header;
    for (uint64_t done = 0; done < header.length;) {
        const ssize_t written = write(file, object + done, header.length - done);
        if (written <= 0) {
            problem = "no memory for the image";
            close(file);
            return nullptr;
        }
        done += static_cast<uint64_t>(written);
    }
    auto* module = new Module;
    // The file stays open: messages look lines up in it by this name.
    module->library = dlopen(text("/proc/%d/fd/%d", getpid(), file).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (module->library == nullptr) {
        problem = dlerror();
        close(file);
        delete module;
        return nullptr;
    }
    measure(*module);
    auto shared = reinterpret_cast<char** (*)()>(dlsym(module->library, "moe_shared_memory"))();
    module->sharedBegin = shared[0];
    module->sharedEnd = shared[1];
    module->dynamicShared = shared[2];
    findShared(*module, object);
    return module;
}

const KernelEntry* kernel(const Module& module, const std::string& name) {
    return static_cast<const KernelEntry*>(dlsym(module.library, ("moe_kernel_" + name).c_str()));
}

}
