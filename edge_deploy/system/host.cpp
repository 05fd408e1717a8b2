// The accelerator of a simulated system: the network's design and the movers, both Verilated, their
// AXI-Streams joined cycle by cycle; the driver's bus on a socket, the memory in a mapped file.
//
//   host BUS MEMORY FAULT      (inherited descriptors; none | id | stall | short | reset | network)
//
// Faults come in the middle of a picture: stall, the memory never answers again; short, it refuses
// a byte; both in every picture. reset: the reset line, in the first picture alone.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "Vlingnan_dma.h"
#include "Vnet.h"
#include "accelerator.h"
#include "verilated.h"

enum { READ, WRITE, WAIT };
static const unsigned ID = 0, NETWORK = 2;

struct Request {
    uint32_t kind, number, value;
};

class System {
  public:
    System(uint8_t *memory, std::string fault) : memory_(memory), fault_(std::move(fault)) {
        dma_.aresetn = 0;
        for (int i = 0; i < 8; ++i) cycle();
        dma_.aresetn = 1;
        for (int i = 0; i < 16; ++i) cycle();
    }

    uint32_t answer(const Request &request) {
        if (request.kind == WAIT) return wait(request.value);
        dma_.number = request.number & 15;
        dma_.word_in = request.value;
        dma_.word_write = request.kind == WRITE;
        settle();
        const uint32_t value = dma_.word_out;
        cycle();
        dma_.word_write = 0;
        if (request.kind == READ && request.number == ID && fault_ == "id") return 0xdeadbeef;
        if (request.kind == READ && request.number == NETWORK && fault_ == "network") return ~value;
        return value;
    }

  private:
    static const uint32_t MIDDLE = LINGNAN_PICTURE_BYTES / 2;

    uint32_t wait(uint32_t most) {
        for (uint32_t left = most; left && !dma_.irq && dma_.aresetn; --left) cycle();
        dma_.aresetn = 1;
        return dma_.irq;
    }

    // Of the movers' outputs none hangs on the network's but what they write: one round settles all.
    void settle() {
        dma_.eval();
        serve();
        net_.aresetn = dma_.net_aresetn;
        net_.s0_axis_tdata = dma_.m_axis_tdata;
        net_.s0_axis_tvalid = dma_.m_axis_tvalid;
        net_.s0_axis_tlast = dma_.m_axis_tlast;
        net_.m0_axis_tready = dma_.s_axis_tready;
        net_.eval();
        dma_.m_axis_tready = net_.s0_axis_tready;
        dma_.s_axis_tdata = net_.m0_axis_tdata;
        dma_.s_axis_tvalid = net_.m0_axis_tvalid;
        dma_.s_axis_tlast = net_.m0_axis_tlast;
        dma_.net_frame_error = net_.frame_error;
        dma_.eval();
    }

    void serve() {
        const bool middle = dma_.read_valid && dma_.read_at % LINGNAN_PICTURE_BYTES == MIDDLE;
        dma_.read_ready = !(middle && fault_ == "stall");
        dma_.read_error = dma_.read_at >= LINGNAN_MEMORY_BYTES || (middle && fault_ == "short");
        dma_.read_data = dma_.read_error ? 0 : memory_[dma_.read_at];
        dma_.write_ready = dma_.write_at < LINGNAN_MEMORY_BYTES;
        if (middle && fault_ == "reset") {
            dma_.aresetn = 0;
            fault_ = "none";
        }
        dma_.eval();
    }

    void cycle() {
        settle();
        if (dma_.write_valid && dma_.write_ready) memory_[dma_.write_at] = dma_.write_data;
        dma_.aclk = net_.aclk = 1;
        dma_.eval();
        net_.eval();
        dma_.aclk = net_.aclk = 0;
    }

    Vlingnan_dma dma_;
    Vnet net_;
    uint8_t *memory_;
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
