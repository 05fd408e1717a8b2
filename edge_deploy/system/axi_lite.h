// Reads and writes of registers over AXI4-Lite; ends the program where the slave breaks the protocol.
#ifndef LINGNAN_AXI_LITE_H
#define LINGNAN_AXI_LITE_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>

// System has a Model `model` and a cycle() that evaluates it and clocks once.
template <class System> class AxiLite {
  public:
    explicit AxiLite(System &system) : system_(system) {}

    // The response: 0 where it went well. strobe: which bytes are written.
    unsigned write(uint8_t number, uint32_t value, unsigned strobe = 15) {
        auto &model = system_.model;
        model.s_axil_awaddr = number * 4;
        model.s_axil_wdata = value;
        model.s_axil_wstrb = strobe;
        model.s_axil_awvalid = model.s_axil_wvalid = 1;
        for (bool address = false, data = false; !address || !data; within()) {
            system_.settle();
            const bool took_address = model.s_axil_awready, took_data = model.s_axil_wready;
            system_.cycle();
            if (took_address) address = true, model.s_axil_awvalid = 0;
            if (took_data) data = true, model.s_axil_wvalid = 0;
        }
        return answered(model.s_axil_bvalid, model.s_axil_bresp, model.s_axil_bready);
    }

    unsigned read(uint8_t number, uint32_t &value) {
        auto &model = system_.model;
        model.s_axil_araddr = number * 4;
        model.s_axil_arvalid = 1;
        for (bool taken = false; !taken; within()) {
            system_.settle();
            taken = model.s_axil_arready;
            system_.cycle();
        }
        model.s_axil_arvalid = 0;
        return answered(model.s_axil_rvalid, model.s_axil_rresp, model.s_axil_rready,
                        &model.s_axil_rdata, &value);
    }

  private:
    static const unsigned PATIENCE = 64;

    // The answer waits for two cycles, in which it must stay, and is taken.
    unsigned answered(const uint8_t &valid, const uint8_t &response, uint8_t &ready,
                      const uint32_t *from = nullptr, uint32_t *to = nullptr) {
        for (; !valid; within()) system_.cycle();
        const unsigned told = response;
        const uint32_t shown = from ? *from : 0;
        for (int i = 0; i < 2; ++i) {
            system_.cycle();
            if (!valid || response != told || (from && *from != shown)) broken();
        }
        ready = 1;
        system_.cycle();
        ready = 0;
        if (valid) broken();
        if (to) *to = shown;
        spent_ = 0;
        return told;
    }

    void within() {
        if (++spent_ > PATIENCE) broken();
    }

    [[noreturn]] static void broken() {
        std::fprintf(stderr, "AXI4-Lite: the registers do not answer as they must\n");
        std::exit(3);
    }

    System &system_;
    unsigned spent_ = 0;
};

#endif
