// Drives a design's streams from files, with random waiting at both ends, and counts cycles.
//
//   net PICTURES SEED STALL_IN STALL_OUT      (stalls in percent of the cycles)
//
// inputs<i>.bin are read, outputs<i>.bin written. Standard output, one line a picture: the cycle
// of its last byte and how often each layer's multipliers had worked until then.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "Vnet.h"
#include "ports.h"
#include "verilated.h"

static const long QUIET = 1000000;  // cycles without a byte that count as standing still

struct Port {
    size_t bytes;
    std::vector<uint8_t> data;
    size_t at = 0;
    bool offered = false;
};

static std::vector<uint8_t> contents(int port) {
    char name[32];
    std::snprintf(name, sizeof name, "inputs%d.bin", port);
    std::FILE *file = std::fopen(name, "rb");
    if (!file) std::exit(4);
    std::vector<uint8_t> data;
    for (int value; (value = std::fgetc(file)) != EOF;) data.push_back((uint8_t)value);
    std::fclose(file);
    return data;
}

static void keep(int port, const Port &output) {
    char name[32];
    std::snprintf(name, sizeof name, "outputs%d.bin", port);
    std::FILE *file = std::fopen(name, "wb");
    if (!file) std::exit(4);
    std::fwrite(output.data.data(), 1, output.data.size(), file);
    std::fclose(file);
}

static int failed(const char *what, long cycle) {
    std::fprintf(stderr, "%s at cycle %ld\n", what, cycle);
    return 3;
}

int main(int argc, char **argv) {
    if (argc != 5) return 4;
    const size_t pictures = std::strtoul(argv[1], nullptr, 10);
    std::mt19937 random((unsigned)std::strtoul(argv[2], nullptr, 10));
    const unsigned stall_in = (unsigned)std::strtoul(argv[3], nullptr, 10);
    const unsigned stall_out = (unsigned)std::strtoul(argv[4], nullptr, 10);
    auto waits = [&](unsigned percent) { return percent && random() % 100 < percent; };

    std::vector<Port> in, out;
#define INPUT(i, length) in.push_back({length, contents(i)});
#define OUTPUT(i, length) out.push_back({length, {}});
    PORTS
#undef INPUT
#undef OUTPUT

    Vnet net;
    long cycle = 0, quiet = 0;
    size_t done = 0;
    std::vector<uint64_t> worked(LAYERS, 0);
    net.aclk = 0;
    net.aresetn = 0;
    for (int i = 0; i < 8; ++i) {
        net.aclk = !net.aclk;
        net.eval();
    }
    net.aclk = 0;
    net.aresetn = 1;
    net.eval();

    while (done < pictures) {
        // A byte that was offered stays until it is taken, as AXI-Stream asks. Behind the last
        // picture the first one comes again, so that the pipeline stays full to the end.
#define INPUT(i, length)                                                  \
    {                                                                     \
        Port &port = in[i];                                               \
        const size_t end = port.data.size();                              \
        const size_t from = port.at % end;                                \
        if (!port.offered) port.offered = !waits(stall_in);               \
        net.s##i##_axis_tvalid = port.offered;                            \
        net.s##i##_axis_tdata = port.data[from];                          \
        net.s##i##_axis_tlast = (from + 1) % length == 0 || from + 1 == end; \
    }
#define OUTPUT(i, length) net.m##i##_axis_tready = !waits(stall_out);
        PORTS
#undef INPUT
#undef OUTPUT
        net.eval();
        ++quiet;
        for (int layer = 0; layer < LAYERS; ++layer) worked[layer] += BUSY(net, layer);
#define INPUT(i, length)                                  \
    if (in[i].offered && net.s##i##_axis_tready) {      \
        ++in[i].at;                                     \
        in[i].offered = false;                          \
        quiet = 0;                                      \
    }
#define OUTPUT(i, length)                                                            \
    if (out[i].offered && !net.m##i##_axis_tvalid) return failed("a byte was taken back", cycle); \
    out[i].offered = net.m##i##_axis_tvalid && !net.m##i##_axis_tready;            \
    if (net.m##i##_axis_tvalid && net.m##i##_axis_tready) {                        \
        out[i].data.push_back(net.m##i##_axis_tdata);                              \
        quiet = 0;                                                                 \
        if (net.m##i##_axis_tlast != (out[i].data.size() % out[i].bytes == 0))     \
            return failed("tlast at the wrong byte", cycle);                       \
    }
        PORTS
#undef INPUT
#undef OUTPUT
        net.aclk = 1;
        net.eval();
        net.aclk = 0;
        ++cycle;
        size_t whole = pictures;
        for (const Port &port : out)
            if (port.data.size() / port.bytes < whole) whole = port.data.size() / port.bytes;
        for (; done < whole; ++done) {
            std::printf("%ld", cycle);
            for (uint64_t count : worked) std::printf(" %lu", (unsigned long)count);
            std::printf("\n");
        }
        if (net.frame_error) return failed("frame_error", cycle);
        if (quiet > QUIET) return failed("the design stands still", cycle);
    }
    for (size_t i = 0; i < out.size(); ++i) keep((int)i, out[i]);
    net.final();
    return 0;
}
