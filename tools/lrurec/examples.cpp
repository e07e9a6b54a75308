// Worked examples at the end of every command's --help and in the manual page.

#include <map>

#include "tools/lrurec/commands.h"

namespace lrurec::command {
namespace {

const std::map<std::string, std::string>& examples() {
  static const std::map<std::string, std::string> all{
      {"prepare",
       "  lrurec prepare ratings.csv.gz -o shop.lrd --min-rating 4 --filter kcore:5 --ties hash\n"
       "  lrurec prepare log.txt -o log.lrd --columns user=0,item=2,time=3 --delimiter ';' --split time\n"
       "  lrurec prepare --demo -o demo.lrd\n"},
      {"data stats", "  lrurec data stats shop.lrd\n"},
      {"data write", "  lrurec data write shop.lrd --format inter -o shop.inter\n"},
      {"train",
       "  lrurec train shop.lrd --preset small --dry-run\n"
       "  lrurec train shop.lrd -o run --preset small --dropout 0.3\n"
       "  lrurec train shop.lrd -o run --resume\n"},
      {"sweep", "  lrurec sweep grid.toml -o sweep --jobs 2 --memory '8 GB'\n"},
      {"reproduce",
       "  lrurec reproduce table2 --data ml-1m=ml-1m.lrd beauty=beauty.lrd -o paper\n"
       "  lrurec reproduce table3 --data ml-1m=ml-1m.lrd -o paper --only lrurec,sasrec --seeds 1,2,3 "
       "--dry-run\n"
       "  lrurec reproduce figure4 --data beauty=beauty.lrd -o paper --jobs 4 --memory '16 GB'\n"},
      {"evaluate",
       "  lrurec evaluate run\n"
       "  lrurec evaluate run --by history,popularity\n"
       "  lrurec evaluate run --split val --mask all --per-user ranks.csv --json\n"},
      {"compare",
       "  lrurec compare run other --metrics Recall@10,NDCG@20\n"
       "  lrurec compare run other --by history\n"},
      {"report",
       "  lrurec report run\n"
       "  lrurec report run other -o both.html\n"},
      {"inspect eigen", "  lrurec inspect eigen run\n"},
      {"inspect memory", "  lrurec inspect memory run --items 50,181,1 --score 7\n"},
      {"explore", "  lrurec explore run\n  lrurec explore run --user 196,22 -o inside.html\n"},
      {"inspect scan", "  lrurec inspect scan --lambda 0.9,0.3 --x 1,0,0,0,1\n"},
      {"explain", "  lrurec explain eq 5\n"},
      {"recommend",
       "  lrurec recommend run --user 196 -k 5\n"
       "  lrurec recommend run --items 50,181,1 --json\n"
       "  echo '{\"items\": [\"50\", \"181\"], \"k\": 3}' | lrurec recommend run --batch -\n"},
      {"session",
       "  echo '{\"user\": \"anna\", \"item\": \"50\"}' | lrurec session run --state states -k 5\n"},
      {"config show", "  lrurec config show --preset beauty --dropout 0.5 --origin\n"},
      {"export", "  lrurec export run -o weights.safetensors --names published\n"},
      {"import", "  lrurec import weights.safetensors --data shop.lrd -o other\n"},
      {"check training", "  lrurec check training shop.lrd --preset small --device cuda\n"},
      {"check parity", "  lrurec check parity parity_small.safetensors\n"},
      {"bench train", "  lrurec bench train shop.lrd --preset small\n"}};
  return all;
}

void add(CLI::App& app, const std::string& path) {
  for (CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string name = path + sub->get_name();
    if (const auto found = examples().find(name); found != examples().end()) {
      const std::string before = sub->get_footer();
      sub->footer(before + (before.empty() ? "" : "\n\n") + "Examples:\n" + found->second);
    }
    add(*sub, name + " ");
  }
}

}  // namespace

void add_examples(CLI::App& app) { add(app, ""); }

}  // namespace lrurec::command
