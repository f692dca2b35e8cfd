// SPDX-License-Identifier: MIT
#include <support/property.hpp>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>

namespace pagesim::testing {

namespace {

using clock = std::chrono::steady_clock;

// What a child tells its parent, in memory that both see: it survives the child's sudden death.
struct child_report {
    std::uint64_t seed = 0;
    std::uint64_t steps = 0;
    bool complete = false; // the job came to its end
    char complaint[2000]{};

    void complain(const std::string& text) {
        const std::size_t n = std::min(text.size(), sizeof complaint - 1);
        std::memcpy(complaint, text.data(), n);
        complaint[n] = '\0';
    }
};

class shared_report {
public:
    shared_report()
        : place_{::mmap(nullptr, sizeof(child_report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                        0)} {
        if (place_ == MAP_FAILED) throw std::bad_alloc{};
        report_ = new (place_) child_report;
    }
    shared_report(const shared_report&) = delete;
    shared_report& operator=(const shared_report&) = delete;
    ~shared_report() { ::munmap(place_, sizeof(child_report)); }
    child_report& operator*() { return *report_; }
    child_report* operator->() { return report_; }

private:
    void* place_;
    child_report* report_ = nullptr;
};

struct file_closer {
    void operator()(std::FILE* f) const { std::fclose(f); }
};
using temporary_file = std::unique_ptr<std::FILE, file_closer>;

// The beginning of what a child printed, without the blank lines.
std::string beginning_of(std::FILE* f) {
    std::string text(600, '\0');
    std::rewind(f);
    text.resize(std::fread(text.data(), 1, text.size(), f));
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
}

// A death by one signal or another, or a complaint: shrinking keeps to the same.
std::string_view kind_of(const std::string& complaint) {
    if (complaint.rfind("the process ", 0) == 0)
        return std::string_view{complaint}.substr(0, complaint.find(':'));
    return complaint.empty() ? "" : "complaint";
}

constexpr std::string_view too_long = "the process took too long";

std::string how_it_died(int status) {
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) return std::string{too_long};
    if (WIFSIGNALED(status)) return fmt::format("the process died by signal {}", WTERMSIG(status));
    return fmt::format("the process ended with status {}", WEXITSTATUS(status));
}

enum class talk : std::uint8_t { silenced, heard };

// Runs `job` in a child process; a death becomes a complaint.
void run_apart(child_report& report, talk how, const std::function<void()>& job) {
    const temporary_file said{how == talk::silenced ? std::tmpfile() : nullptr};
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        if (said) ::dup2(::fileno(said.get()), STDERR_FILENO);
        [&job]() noexcept {
            job();
        }(); // an exception ends the child: it must not go on with the parent's tests
        report.complete = true;
        if (said) ::_exit(0);
        std::exit(0); // the long run: leaks are looked for
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) {
        report.complain("no child process could be had");
        return;
    }
    if (status == 0 && report.complete) return;
    std::string text = how_it_died(status);
    if (said) text += ": " + beginning_of(said.get());
    report.complain(text);
}

// Plays these operations in a process of their own; what there is to complain of.
std::string played_apart(const any_property& property, const kept_operations& kept, unsigned seconds) {
    shared_report report;
    run_apart(*report, talk::silenced, [&] {
        ::alarm(seconds);
        report->complain(property.play(kept).complaint);
    });
    return report->complaint;
}

void run_cases(any_property& property, const property_limits& limits, child_report& report) {
    const auto end = clock::now() + limits.run;
    for (std::uint64_t seed = limits.first_seed;; ++seed) {
        report.seed = seed;
        ::alarm(limits.case_seconds);
        const played p = property.play(all_operations(property.begin(seed)));
        report.steps += p.steps;
        report.complain(p.complaint);
        if (!p.complaint.empty() || clock::now() >= end) break;
    }
    ::alarm(0);
}

} // namespace

property_limits limits_from_environment() {
    property_limits limits;
    if (const char* text = std::getenv("PAGESIM_PROPERTY_SECONDS")) {
        limits.run = std::chrono::milliseconds{static_cast<std::int64_t>(std::atof(text) * 1000)};
    }
    if (const char* text = std::getenv("PAGESIM_PROPERTY_SEED")) {
        limits.first_seed = std::strtoull(text, nullptr, 10);
    }
    return limits;
}

kept_operations all_operations(std::size_t n) {
    kept_operations all(n);
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
}

kept_operations shrunk(kept_operations kept, const still_fails& fails, std::chrono::milliseconds at_most) {
    const auto end = clock::now() + at_most;
    bool took_any = false;
    for (std::size_t chunk = (kept.size() + 1) / 2; chunk > 0;) {
        took_any = false;
        // From the end: what follows the failure goes first.
        for (std::size_t behind = kept.size(); behind > 0 && clock::now() < end;) {
            const std::size_t first = behind - std::min(chunk, behind);
            kept_operations fewer = kept;
            fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(first),
                        fewer.begin() + static_cast<std::ptrdiff_t>(behind));
            if (fails(fewer)) {
                kept = std::move(fewer);
                took_any = true;
            }
            behind = first;
        }
        if (clock::now() >= end) break;
        // One by one, until a whole round takes nothing.
        if (chunk > 1) {
            chunk /= 2;
        } else if (!took_any) {
            break;
        }
    }
    return kept;
}

namespace {

// Makes numbers smaller where what is left fails still; whether it could.
bool simplified(any_property& property, const kept_operations& kept, const still_fails& fails,
                clock::time_point end) {
    bool any = false;
    for (const std::size_t operation : kept) {
        for (std::size_t k = 0; clock::now() < end && property.simplify(operation, k);) {
            if (fails(kept)) {
                any = true;
                k = 0;
            } else {
                property.unsimplify();
                ++k;
            }
        }
    }
    return any;
}

// Both in turn, until neither helps.
kept_operations shrunk_and_simplified(any_property& property, kept_operations kept, const still_fails& fails,
                                      std::chrono::milliseconds at_most) {
    const auto end = clock::now() + at_most;
    const auto left = [end] {
        return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now()),
                        std::chrono::milliseconds{0});
    };
    kept = shrunk(std::move(kept), fails, left());
    while (simplified(property, kept, fails, end)) {
        const std::size_t before = kept.size();
        kept = shrunk(std::move(kept), fails, left());
        if (kept.size() == before) break;
    }
    return kept;
}

} // namespace

property_result run_property(any_property& property, const property_limits& limits) {
    shared_report report;
    run_apart(*report, talk::heard, [&] { run_cases(property, limits, *report); });
    property_result result{
        .first_seed = limits.first_seed, .last_seed = report->seed, .steps = report->steps};
    const std::string first_complaint = report->complaint;
    if (first_complaint.empty()) return result;

    result.thrown = property.begin(result.last_seed);
    // A try that hangs, where the case did not, may not use up the time.
    const bool hung = first_complaint == too_long;
    const unsigned seconds = hung ? limits.case_seconds : std::min(limits.case_seconds, 10U);
    const auto fails = [&](const kept_operations& kept) {
        ++result.tries;
        return kind_of(played_apart(property, kept, seconds)) == kind_of(first_complaint);
    };
    const kept_operations all = all_operations(result.thrown);
    if (fails(all)) {
        result.kept = shrunk_and_simplified(property, all, fails, limits.shrink);
        result.complaint = played_apart(property, result.kept, seconds);
    } else {
        result.kept = all;
        result.complaint = first_complaint + " (but not by itself)";
    }
    result.code = property.code(result.last_seed, result.kept);
    return result;
}

std::string describe(std::string_view name, const property_result& r) {
    return fmt::format(
        "{} fails with PAGESIM_PROPERTY_SEED={}; of {} operations {} are left after {} tries:\n"
        "{}\n\n{}",
        name, r.last_seed, r.thrown, r.kept.size(), r.tries, r.complaint, r.code);
}

void check_property(std::string_view name, any_property& property) {
    const property_result result = run_property(property, limits_from_environment());
    fmt::print("property {}: seeds {}..{}, {} steps\n", name, result.first_seed, result.last_seed,
               result.steps);
    std::fflush(stdout);
    if (result.failed()) ADD_FAILURE() << describe(name, result);
}

std::string test_code(const property_names& names, std::uint64_t seed, const std::string& setup,
                      const std::vector<std::string>& operations) {
    std::string text = fmt::format("#include <{}>\n\n"
                                   "TEST({}_again, seed_{}) {{\n"
                                   "    using namespace pagesim::testing::{};\n"
                                   "    const setup start{};\n"
                                   "    const std::vector<operation> operations{{\n",
                                   names.header, names.name, seed, names.space, setup);
    for (const std::string& o : operations) text += fmt::format("        {},\n", o);
    text += "    };\n"
            "    EXPECT_EQ(play(start, operations).complaint, \"\");\n"
            "}\n";
    return text;
}

} // namespace pagesim::testing
