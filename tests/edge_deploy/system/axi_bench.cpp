// Jobs of random places and lengths through lingnan_axi and back, beside a network that inverts each
// byte and waits at random; some are refused by the memory, some reset. Prints how many of each.
//
//   bench JOBS SEED WAITS LATENCY      (waits in percent of the cycles)
#include <deque>
#include <vector>

#include "Vlingnan_axi.h"
#include "axi_lite.h"
#include "axi_memory.h"
#include "registers.h"
#include "verilated.h"

static const uint32_t BYTES = 16384, LONGEST = 900;
static const long PATIENCE = 200000;

[[noreturn]] static void wrong(const char *what, int job) {
    std::fprintf(stderr, "job %d: %s\n", job, what);
    std::exit(3);
}

class Bench {
  public:
    Bench(unsigned seed, unsigned waits, unsigned latency)
        : bytes(BYTES), memory(bytes.data(), BYTES, seed, waits, latency), registers(*this),
          random(seed + 1), waits_(waits) {
        model.aresetn = 0;
        for (int i = 0; i < 8; ++i) cycle();
        model.aresetn = 1;
        for (int i = 0; i < 16; ++i) cycle();
        for (uint8_t &byte : bytes) byte = (uint8_t)random();
    }

    void settle() {
        memory.drive(model);
        model.m_axis_tready = takes_;
        model.s_axis_tvalid = offers_;
        model.s_axis_tdata = stream_.empty() ? 0 : (uint8_t)stream_.front();
        model.s_axis_tlast = !stream_.empty() && stream_.front() >> 8;
        model.eval();
    }

    void cycle() {
        settle();
        memory.clock(model);
        network();
        model.aclk = 1;
        model.eval();
        model.aclk = 0;
        memory.choose();
    }

    uint32_t read(uint8_t number) {
        uint32_t value = 0;
        if (registers.read(number, value) != OKAY) wrong("a register cannot be read", number);
        return value;
    }

    Vlingnan_axi model;
    std::vector<uint8_t> bytes;
    AxiMemory<Vlingnan_axi> memory;
    AxiLite<Bench> registers;
    std::mt19937 random;

  private:
    void network() {
        if (!model.net_aresetn) {
            stream_.clear();
            takes_ = offers_ = false;
            return;
        }
        if (takes_ && model.m_axis_tvalid)
            stream_.push_back((uint8_t)~model.m_axis_tdata | model.m_axis_tlast << 8);
        if (offers_ && model.s_axis_tready) {
            stream_.pop_front();
            offers_ = false;
        }
        const bool waits = waits_ && random() % 100 < waits_;
        takes_ = !waits && stream_.size() < 40;
        offers_ = offers_ || (!stream_.empty() && !(waits_ && random() % 100 < waits_));
    }

    unsigned waits_;
    std::deque<unsigned> stream_;
    bool takes_ = false, offers_ = false;
};

static void refusals(Bench &bench) {
    uint32_t value = 7;
    bench.registers.write(LINGNAN_SOURCE, 0x1234);
    if (bench.registers.write(LINGNAN_SOURCE, 0xffff, 3) != SLVERR) wrong("half a word is taken", -1);
    if (bench.registers.write(LINGNAN_RECEIVED + 1, 0) != SLVERR) wrong("a register too many", -1);
    if (bench.registers.read(LINGNAN_RECEIVED + 1, value) != SLVERR) wrong("a register too many", -1);
    if (bench.read(LINGNAN_SOURCE) != 0x1234) wrong("a refused write changed a register", -1);
    if (bench.read(LINGNAN_ID) != LINGNAN_IS) wrong("another id", -1);
}

enum Kind { PLAIN, BEYOND, READ_REFUSED, WRITE_REFUSED, RESET, KINDS };

// The bytes beside the destination stay; those in it are old or right, all right where it is done.
static void compare(Bench &bench, const std::vector<uint8_t> &before, uint32_t from, uint32_t to,
                    uint32_t length, bool done, int job) {
    for (uint32_t at = 0; at < BYTES; ++at) {
        const bool in = at >= to && at < to + length;
        const uint8_t right = in && from + at - to < BYTES ? (uint8_t)~before[from + at - to] : 0;
        if (!in && bench.bytes[at] != before[at]) wrong("a byte beside was written", job);
        if (in && bench.bytes[at] != right && (done || bench.bytes[at] != before[at]))
            wrong("a wrong byte", job);
    }
}

static Kind job(Bench &bench, int number) {
    const uint32_t half = BYTES / 2, length = 1 + bench.random() % LONGEST;
    const Kind kind = number % 2 ? PLAIN : (Kind)(bench.random() % KINDS);
    uint32_t from = bench.random() % (half - length), to = half + bench.random() % (half - length);
    if (kind == BEYOND) from = BYTES - bench.random() % length;
    bench.memory.refused = bench.memory.NOWHERE;
    if (kind == READ_REFUSED) bench.memory.refused = from + bench.random() % length;
    if (kind == WRITE_REFUSED) bench.memory.refused = to + bench.random() % length;
    const std::vector<uint8_t> before = bench.bytes;
    const uint32_t values[] = {from, length, to, length};
    for (int i = 0; i < 4; ++i) bench.registers.write(LINGNAN_SOURCE + i, values[i]);
    bench.registers.write(LINGNAN_CONTROL, LINGNAN_START);
    long left = kind == RESET ? 1 + bench.random() % (2 * length) : PATIENCE;
    for (; left && !bench.model.irq; --left) bench.cycle();
    const bool stopped = !bench.model.irq;
    if (stopped && kind != RESET) wrong("stands still", number);
    if (stopped) bench.registers.write(LINGNAN_CONTROL, LINGNAN_RESET);
    while (bench.read(LINGNAN_STATUS) & LINGNAN_MOVING) bench.cycle();
    const uint32_t status = bench.read(LINGNAN_STATUS);
    const bool good = kind == PLAIN || kind == RESET;
    if (status != (stopped ? 0u : good ? LINGNAN_DONE : LINGNAN_REFUSED)) {
        std::fprintf(stderr, "status %u of kind %d; ", status, kind);
        wrong("its status", number);
    }
    if (good && !stopped && (bench.read(LINGNAN_SENT) != length ||
                             bench.read(LINGNAN_RECEIVED) != length))
        wrong("its counts", number);
    compare(bench, before, from, to, length, status == LINGNAN_DONE, number);
    if (!good) bench.registers.write(LINGNAN_CONTROL, LINGNAN_RESET);
    return kind;
}

// Bytes a cycle where nothing waits.
static double pace(Bench &bench) {
    const uint32_t length = 8000, values[] = {3, length, BYTES / 2 + 5, length};
    for (int i = 0; i < 4; ++i) bench.registers.write(LINGNAN_SOURCE + i, values[i]);
    bench.registers.write(LINGNAN_CONTROL, LINGNAN_START);
    for (long left = PATIENCE; left && !bench.model.irq; --left) bench.cycle();
    return (double)length / bench.read(LINGNAN_CYCLES);
}

int main(int count, char **words) {
    if (count != 5) return 4;
    unsigned numbers[4];
    for (int i = 0; i < 4; ++i) numbers[i] = (unsigned)std::strtoul(words[i + 1], nullptr, 10);
    Bench bench(numbers[1], numbers[2], numbers[3]);
    refusals(bench);
    int kinds[KINDS] = {};
    for (unsigned number = 0; number < numbers[0]; ++number) ++kinds[job(bench, (int)number)];
    bench.memory.refused = bench.memory.NOWHERE;
    for (int kind = 0; kind < KINDS; ++kind) std::printf("%d ", kinds[kind]);
    std::printf("%.3f\n", pace(bench));
    return 0;
}
