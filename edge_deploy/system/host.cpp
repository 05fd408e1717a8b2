// The accelerator of a simulated system: the network's design and what stands between it and the bus
// (lingnan_axi), both Verilated, their AXI-Streams joined cycle by cycle; the driver's bus is a socket,
// the memory a mapped file behind AXI4 that answers late and at random.
//
//   host BUS MEMORY FAULT      (inherited descriptors; none | id | stall | short | reset | network)
//
// Faults come in the middle of a picture: stall, the memory never answers again; short, it refuses
// a word; both in every picture. reset: the reset line, in the first picture alone.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "Vlingnan_axi.h"
#include "Vnet.h"
#include "accelerator.h"
#include "axi_lite.h"
#include "axi_memory.h"
#include "verilated.h"

enum { READ, WRITE, WAIT };
static const unsigned ID = 0, NETWORK = 2, SEED = 1, WAITS = 20, LATENCY = 30;

struct Request {
    uint32_t kind, number, value;
};

class System {
  public:
    System(uint8_t *memory, std::string fault)
        : memory_(memory, LINGNAN_MEMORY_BYTES, SEED, WAITS, LATENCY), registers_(*this),
          fault_(std::move(fault)) {
        if (fault_ == "stall") memory_.silent = MIDDLE;
        if (fault_ == "short") memory_.refused = MIDDLE;
        model.aresetn = 0;
        for (int i = 0; i < 8; ++i) cycle();
        model.aresetn = 1;
        for (int i = 0; i < 16; ++i) cycle();
    }

    uint32_t answer(const Request &request) {
        uint32_t value = 0;
        if (request.kind == WAIT) return wait(request.value);
        if (request.kind == WRITE) {
            registers_.write(request.number, request.value);
            return 0;
        }
        registers_.read(request.number, value);
        if (request.number == ID && fault_ == "id") return 0xdeadbeef;
        if (request.number == NETWORK && fault_ == "network") return ~value;
        return value;
    }

    // Of what stands at the bus no output hangs on the network's but bytes: one round settles all.
    void settle() {
        memory_.drive(model);
        model.eval();
        net_.aresetn = model.net_aresetn;
        net_.s0_axis_tdata = model.m_axis_tdata;
        net_.s0_axis_tvalid = model.m_axis_tvalid;
        net_.s0_axis_tlast = model.m_axis_tlast;
        net_.m0_axis_tready = model.s_axis_tready;
        net_.eval();
        model.m_axis_tready = net_.s0_axis_tready;
        model.s_axis_tdata = net_.m0_axis_tdata;
        model.s_axis_tvalid = net_.m0_axis_tvalid;
        model.s_axis_tlast = net_.m0_axis_tlast;
        model.net_frame_error = net_.frame_error;
        model.eval();
    }

    void cycle() {
        settle();
        memory_.clock(model);
        if (fault_ == "reset" && memory_.read_last == MIDDLE / 8 * 8) reset();
        model.aclk = net_.aclk = 1;
        model.eval();
        net_.eval();
        model.aclk = net_.aclk = 0;
        memory_.choose();
    }

    Vlingnan_axi model;

  private:
    static const uint32_t MIDDLE = LINGNAN_PICTURE_BYTES / 2;

    // Of the bus, so of the memory's side as well.
    void reset() {
        model.aresetn = 0;
        memory_.reset();
        fault_ = "none";
    }

    uint32_t wait(uint32_t most) {
        for (uint32_t left = most; left && !model.irq && model.aresetn; --left) cycle();
        model.aresetn = 1;
        return model.irq;
    }

    Vnet net_;
    AxiMemory<Vlingnan_axi> memory_;
    AxiLite<System> registers_;
    std::string fault_;
};

int main(int count, char **words) {
    if (count != 4) return 4;
    const int bus = std::atoi(words[1]);
    void *const memory = mmap(nullptr, LINGNAN_MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
                              std::atoi(words[2]), 0);
    if (memory == MAP_FAILED) return 4;
    System system((uint8_t *)memory, words[3]);
    for (Request request; read(bus, &request, sizeof request) == (ssize_t)sizeof request;) {
        const uint32_t value = system.answer(request);
        if (write(bus, &value, sizeof value) != (ssize_t)sizeof value) return 3;
    }
    return 0;
}
