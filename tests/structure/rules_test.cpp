// SPDX-License-Identifier: MIT
// Chapters include only downwards; files and functions stay small; every file names its licence.
#include <structure/rules.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace pagesim::testing {
namespace {

std::map<std::string, std::string> sources() {
    std::map<std::string, std::string> out;
    const std::filesystem::path root{PAGESIM_SOURCE_DIR};
    for (const char* folder : {"include", "src", "tests", "bench", "examples"}) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator{root / folder}) {
            const std::string extension = entry.path().extension().string();
            if (extension != ".hpp" && extension != ".cpp") continue;
            std::ifstream in{entry.path(), std::ios::binary};
            out[std::filesystem::relative(entry.path(), root).string()] = {std::istreambuf_iterator<char>{in},
                                                                           {}};
        }
    }
    return out;
}

TEST(layering, no_chapter_includes_a_higher_one) {
    const auto files = sources();
    ASSERT_GT(files.size(), 80U);
    for (const auto& [path, text] : files) EXPECT_EQ(upward_include(path, text), "") << path;
}

TEST(layering, an_upward_include_is_found) {
    EXPECT_EQ(upward_include("include/pagesim/lru/lruvec.hpp", "#include <pagesim/reclaim/context.hpp>\n"),
              "lru includes reclaim");
    EXPECT_EQ(upward_include("src/reclaim/kswapd.cpp", "#include <pagesim/lru/lruvec.hpp>\n"), "");
    EXPECT_EQ(upward_include("src/misc/x.cpp", ""), "misc is no chapter");
    EXPECT_EQ(upward_include("src/program/main.cpp", "#include <pagesim/machine/machine.hpp>\n"), "");
}

TEST(limits, files_and_functions_stay_small) {
    // By name, with a reason each.
    const std::map<std::string, file_limits> exceptions{};
    for (const auto& [path, text] : sources()) {
        const auto it = exceptions.find(path);
        EXPECT_EQ(beyond_limits(text, it == exceptions.end() ? file_limits{} : it->second), "") << path;
    }
}

TEST(limits, what_breaks_them_is_found) {
    const std::string head = "// SPDX-License-Identifier: MIT\n";
    EXPECT_EQ(beyond_limits("int x;\n"), "has no SPDX line");
    EXPECT_EQ(beyond_limits(head + std::string(121, 'x') + "\n"), "line 2 is too long");
    std::string many = head;
    for (int i = 0; i < 400; ++i) many += "//\n";
    EXPECT_EQ(beyond_limits(many), "has 401 lines");
    std::string function = head + "int f() {\n";
    for (int i = 0; i < 70; ++i) function += "    ;\n";
    EXPECT_EQ(beyond_limits(function + "}\n"), "the function at line 2 is too long");
    EXPECT_EQ(beyond_limits(head + "int f() {\n}\n"), "");
}

} // namespace
} // namespace pagesim::testing
