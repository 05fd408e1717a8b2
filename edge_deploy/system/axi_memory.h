// A memory on AXI4 with random latency and waiting, that ends the program where the master breaks the
// protocol: what is offered stays until it is taken, bursts are INCR of 64-bit words within 4 KB, as
// many words come as were told, the last one marked.
//
// Each cycle: drive() before the model is evaluated, clock() after it, before the rising edge, choose()
// behind it.
#ifndef LINGNAN_AXI_MEMORY_H
#define LINGNAN_AXI_MEMORY_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <tuple>

enum AxiResponse : uint8_t { OKAY = 0, SLVERR = 2, DECERR = 3 };

template <class Model> class AxiMemory {
  public:
    static const uint64_t NOWHERE = ~0ull;

    // waits: percent of cycles; latency: cycles to a burst's first answer, at most.
    AxiMemory(uint8_t *bytes, size_t size, unsigned seed, unsigned waits, unsigned latency)
        : bytes_(bytes), size_(size), random_(seed), waits_(waits), latency_(latency) {}

    uint64_t refused = NOWHERE; // a byte whose word is answered with SLVERR
    uint64_t silent = NOWHERE;  // a byte whose word is never read
    uint64_t read_last = NOWHERE; // the word that was read last

    bool quiet() const { return reads_.empty() && writes_.empty() && answers_.empty(); }

    void reset() { *this = AxiMemory(bytes_, size_, random_(), waits_, latency_); }

    // What the memory does in the next cycle.
    void choose() {
        takes_ar_ = !waits();
        takes_aw_ = !waits();
        takes_w_ = !waits();
        if (!offers_r_ && !reads_.empty() && reads_.front().delay == 0 && !waits()) offer_word();
        if (!answers_.empty() && answers_.front().delay == 0 && !waits()) offers_b_ = true;
    }

    void drive(Model &model) const {
        model.m_axi_arready = takes_ar_;
        model.m_axi_awready = takes_aw_;
        model.m_axi_wready = takes_w_;
        model.m_axi_rvalid = offers_r_;
        model.m_axi_rdata = data_;
        model.m_axi_rresp = response_;
        model.m_axi_rlast = !reads_.empty() && reads_.front().beats == 1;
        model.m_axi_bvalid = offers_b_;
        model.m_axi_bresp = answers_.empty() ? OKAY : answers_.front().response;
    }

    void clock(const Model &model) {
        for (Burst &burst : reads_) burst.delay -= burst.delay != 0;
        for (Burst &burst : answers_) burst.delay -= burst.delay != 0;
        check(model);
        if (offers_r_ && model.m_axi_rready) word_taken();
        if (offers_b_ && model.m_axi_bready) {
            offers_b_ = false;
            answers_.pop_front();
        }
        if (model.m_axi_arvalid && model.m_axi_arready)
            reads_.push_back({model.m_axi_araddr, model.m_axi_arlen + 1u, delay(), OKAY});
        if (model.m_axi_awvalid && model.m_axi_awready)
            writes_.push_back({model.m_axi_awaddr, model.m_axi_awlen + 1u, 0, OKAY});
        if (model.m_axi_wvalid && model.m_axi_wready)
            words_.push_back({model.m_axi_wdata, model.m_axi_wstrb, (bool)model.m_axi_wlast});
        while (!writes_.empty() && !words_.empty()) keep_word();
    }

  private:
    struct Burst {
        uint64_t at;
        unsigned beats, delay;
        AxiResponse response;
    };
    struct Word {
        uint64_t data;
        uint8_t strobe;
        bool last;
    };

    bool waits() { return waits_ && random_() % 100 < waits_; }
    unsigned delay() { return latency_ ? 1 + random_() % latency_ : 1; }

    AxiResponse response(uint64_t at) const {
        return at + 8 > size_ ? DECERR : refused != NOWHERE && at == refused / 8 * 8 ? SLVERR : OKAY;
    }

    void offer_word() {
        const uint64_t at = reads_.front().at;
        if (silent != NOWHERE && at == silent / 8 * 8) return;
        response_ = response(at);
        data_ = 0x6c6c6c6c6c6c6c6cull; // where nothing can be read
        if (response_ == OKAY) std::memcpy(&data_, bytes_ + at, 8);
        offers_r_ = true;
    }

    void word_taken() {
        Burst &burst = reads_.front();
        read_last = burst.at;
        offers_r_ = false;
        burst.at += 8;
        if (--burst.beats == 0) reads_.pop_front();
    }

    void keep_word() {
        Burst &burst = writes_.front();
        const Word word = words_.front();
        words_.pop_front();
        if (word.last != (burst.beats == 1)) broken("wlast at another word than the burst's last");
        const AxiResponse told = response(burst.at);
        if (told == OKAY) {
            for (int lane = 0; lane < 8; ++lane)
                if (word.strobe >> lane & 1) bytes_[burst.at + lane] = (uint8_t)(word.data >> 8 * lane);
        } else
            burst.response = told;
        burst.at += 8;
        if (--burst.beats) return;
        burst.delay = delay();
        answers_.push_back(burst);
        writes_.pop_front();
    }

    [[noreturn]] static void broken(const char *what) {
        std::fprintf(stderr, "AXI: %s\n", what);
        std::exit(3);
    }

    static void burst(uint64_t at, unsigned beats, unsigned size, unsigned kind) {
        if (size != 3 || kind != 1) broken("a burst that is not INCR of 64-bit words");
        if (at / 4096 != (at + 8 * beats - 1) / 4096) broken("a burst crosses 4 KB");
        if (at % 8) broken("a burst that begins within a word");
    }

    template <class Payload> static void stays(bool &waited, Payload &before, bool valid, bool ready,
                                               const Payload &now) {
        if (waited && (!valid || now != before)) broken("an offer was changed before it was taken");
        waited = valid && !ready;
        before = now;
    }

    void check(const Model &model) {
        stays(ar_waited_, ar_, model.m_axi_arvalid, model.m_axi_arready,
              std::tuple<uint64_t, uint64_t>(model.m_axi_araddr, model.m_axi_arlen));
        stays(aw_waited_, aw_, model.m_axi_awvalid, model.m_axi_awready,
              std::tuple<uint64_t, uint64_t>(model.m_axi_awaddr, model.m_axi_awlen));
        stays(w_waited_, w_, model.m_axi_wvalid, model.m_axi_wready,
              std::tuple<uint64_t, uint64_t, bool>(model.m_axi_wdata, model.m_axi_wstrb,
                                                   model.m_axi_wlast));
        if (model.m_axi_arvalid)
            burst(model.m_axi_araddr, model.m_axi_arlen + 1u, model.m_axi_arsize,
                  model.m_axi_arburst);
        if (model.m_axi_awvalid)
            burst(model.m_axi_awaddr, model.m_axi_awlen + 1u, model.m_axi_awsize,
                  model.m_axi_awburst);
    }

    uint8_t *bytes_;
    size_t size_;
    std::mt19937 random_;
    unsigned waits_, latency_;
    std::deque<Burst> reads_, writes_, answers_;
    std::deque<Word> words_;
    bool takes_ar_ = false, takes_aw_ = false, takes_w_ = false;
    bool offers_r_ = false, offers_b_ = false;
    uint64_t data_ = 0;
    AxiResponse response_ = OKAY;
    bool ar_waited_ = false, aw_waited_ = false, w_waited_ = false;
    std::tuple<uint64_t, uint64_t> ar_, aw_;
    std::tuple<uint64_t, uint64_t, bool> w_;
};

#endif
