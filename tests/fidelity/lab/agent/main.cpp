// SPDX-License-Identifier: MIT
// The laboratory's agent: the first and only process of a machine that exists for one workload. See ../README.md.
#include "machine.hpp"
#include "report.hpp"
#include "system.hpp"
#include "workload.hpp"

int main() {
    using namespace lab;
    mount_system();
    open_report();
    static const job work;
    tell("regions_end", (text{} << work.address()).view());
    set_up(work.config());
    settle(work.config());
    run_workload(work);
    close_report();
    power_off();
}
