#include "tessera/core/options.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tessera/core/error.h"
#include "tests/support.h"

namespace tessera {
namespace {

struct Sample {
  double learning_rate = 1e-3, drop_path = 0.1;
  int64_t batch = 128;
  std::string optimizer = "adamw", out;
  bool ema = false, amp = true;
  std::vector<int64_t> milestones{30, 60};
  std::vector<double> betas{0.9, 0.999};
  std::vector<std::string> augment, set, pictures;

  void visit(Options& o) {
    o("pictures", pictures, "picture files").placeholder("FILE…").positional().local();
    o.section("Optimiser");
    o("learning_rate", learning_rate, "peak learning rate").above(0);
    o("optimizer", optimizer, "update rule").one_of({"adamw", "sgd"});
    o("betas", betas, "decay of the moments").at_least(0).below(1);
    o("milestones", milestones, "epochs at which the rate falls").at_least(1);
    o.section("Training");
    o("batch", batch, "pictures in a step").at_least(1);
    o("drop_path", drop_path, "rate of dropped blocks").at_least(0).at_most(1);
    o("ema", ema, "average the weights");
    o("amp", amp, "mixed precision");
    o("augment", augment, "augmentations").one_of({"flip", "crop", "jitter"});
    o("set", set, "change the model").placeholder("KEY=VALUE");
    o("out", out, "folder of the run").placeholder("DIR").local();
  }
};

class OptionsTest : public testing::Test {
 protected:
  OptionsTest() { sample.visit(options); }

  template <class Call>
  static std::string error(const Call& call) {
    try {
      call();
    } catch (const UsageError& e) {
      return e.what();
    }
    return "no error";
  }
  std::string parse_error(const std::vector<std::string>& arguments) {
    return error([&] { options.parse(arguments); });
  }
  std::string toml_error(const std::string& text) {
    return error([&] { options.read_toml(text, "r.toml"); });
  }

  Sample sample;
  Options options{"tessera train [OPTIONS]", "Train a model."};
};

TEST_F(OptionsTest, ParsesEachKindOfFlag) {
  options.parse(
      {"--learning-rate", "0.5", "--batch=64", "--optimizer", "sgd", "--ema", "--no-amp", "--drop_path=1e-2"});
  EXPECT_EQ(sample.learning_rate, 0.5);
  EXPECT_EQ(sample.batch, 64);
  EXPECT_EQ(sample.optimizer, "sgd");
  EXPECT_TRUE(sample.ema);
  EXPECT_FALSE(sample.amp);
  EXPECT_EQ(sample.drop_path, 0.01);
  EXPECT_EQ(sample.milestones, (std::vector<int64_t>{30, 60}));  // untouched
}

TEST_F(OptionsTest, OfARepeatedFlagTheLastCountsAndListsGrow) {
  options.parse({"--batch", "1", "--batch", "2", "--milestones", "5,10", "--milestones=15", "--augment", "flip,crop",
                 "--set", "a=1,2", "--set", "b=3", "--ema", "--no-ema"});
  EXPECT_EQ(sample.batch, 2);
  EXPECT_FALSE(sample.ema);
  EXPECT_EQ(sample.milestones, (std::vector<int64_t>{5, 10, 15}));
  EXPECT_EQ(sample.augment, (std::vector<std::string>{"flip", "crop"}));
  EXPECT_EQ(sample.set, (std::vector<std::string>{"a=1,2", "b=3"}));  // free text is not split
  options.parse({"--milestones="});
  EXPECT_TRUE(sample.milestones.empty());
}

TEST_F(OptionsTest, PositionalArgumentsTakeWhatIsNoFlag) {
  options.parse({"a,b.jpg", "--batch", "4", "-", "--", "--c.jpg", "-d"});
  EXPECT_EQ(sample.pictures, (std::vector<std::string>{"a,b.jpg", "-", "--c.jpg", "-d"}));
  EXPECT_EQ(sample.batch, 4);
}

TEST_F(OptionsTest, PositionalArgumentsFillInOrderAndMayBeRequired) {
  std::string model, data;
  Options o;
  o("model", model, "model file").positional().required();
  o("data", data, "data folder").positional();
  EXPECT_EQ(error([&] { o.check_required(); }), "argument 'MODEL' is missing: model file");
  o.parse({"m.safetensors", "d"});
  o.check_required();
  EXPECT_EQ(model, "m.safetensors");
  EXPECT_EQ(data, "d");
  EXPECT_EQ(error([&] { o.parse({"x", "y", "z"}); }), "unexpected argument 'z'");
}

TEST_F(OptionsTest, UnknownFlagsNameTheNearest) {
  EXPECT_EQ(parse_error({"--learning-rat", "1"}), "unknown option '--learning-rat', did you mean '--learning-rate'?");
  EXPECT_EQ(parse_error({"--no-emma"}), "unknown option '--no-emma', did you mean '--no-ema'?");
  EXPECT_EQ(parse_error({"--no-batch"}), "unknown option '--no-batch', did you mean '--batch'?");
  EXPECT_EQ(parse_error({"--xyzzy=1"}), "unknown option '--xyzzy'");
  EXPECT_EQ(parse_error({"-b", "1"}), "unknown option '-b'");
  EXPECT_EQ(parse_error({"--pictures", "a"}), "unknown option '--pictures'");  // it has a place, no flag
}

TEST_F(OptionsTest, AForgottenDashIsNoticedWhereNothingIsPositional) {
  double rate = 1;
  Options o;
  o("learning_rate", rate, "");
  EXPECT_EQ(error([&] {
              o.parse({"learning-rate", "1"});
            }),
            "unexpected argument 'learning-rate', did you mean '--learning-rate'?");
}

TEST_F(OptionsTest, BadValuesNameOptionValueAndWhatIsAllowed) {
  EXPECT_EQ(parse_error({"--batch", "1.5"}), "option '--batch' must be a whole number of at least 1, but it is '1.5'");
  EXPECT_EQ(parse_error({"--batch", "0"}), "option '--batch' must be a whole number of at least 1, but it is '0'");
  EXPECT_EQ(parse_error({"--drop-path", "1.5"}), "option '--drop-path' must be a number from 0 to 1, but it is '1.5'");
  EXPECT_EQ(parse_error({"--optimizer", "adam"}),
            "option '--optimizer' must be one of adamw, sgd, but it is 'adam', did you mean 'adamw'?");
  EXPECT_EQ(parse_error({"--betas", "0.9,1"}),
            "option '--betas' must be numbers of at least 0 and below 1, but it is '0.9,1'");
  EXPECT_EQ(parse_error({"--ema=yes"}), "option '--ema' must be true or false, but it is 'yes'");
  EXPECT_EQ(parse_error({"--no-ema=true"}), "option '--no-ema' takes no value, but it is given 'true'");
  EXPECT_EQ(parse_error({"--batch"}), "option '--batch' needs a value: a whole number of at least 1");
  EXPECT_EQ(parse_error({"--batch", "--ema"}), "option '--batch' needs a value: a whole number of at least 1");
}

TEST_F(OptionsTest, NumbersMustBeFiniteAndWhole) {
  for (const char* text : {"nan", "inf", "-inf", "1e999", "0x10", "1 ", " 1", "", "+1", "1e", "1,5"}) {
    EXPECT_NE(parse_error({"--learning-rate", text}), "no error") << text;
  }
  for (const char* text : {"9223372036854775808", "12x", "", "1e3", "0x10", "1,2"}) {
    EXPECT_NE(parse_error({"--batch", text}), "no error") << text;
  }
  EXPECT_EQ(sample.learning_rate, 1e-3);
  EXPECT_EQ(sample.batch, 128);
  options.parse({"--batch", "9223372036854775807"});
  EXPECT_EQ(sample.batch, INT64_MAX);
}

TEST_F(OptionsTest, AFlagWinsOverTheRecipeAndTheRecipeOverTheDefault) {
  options.parse({"--batch", "7", "--milestones", "1"});
  options.read_toml("batch = 8\nmilestones = [2, 3]\nlearning_rate = 0.25\n", "r.toml");
  EXPECT_EQ(sample.batch, 7);
  EXPECT_EQ(sample.milestones, (std::vector<int64_t>{1}));
  EXPECT_EQ(sample.learning_rate, 0.25);
  options.parse({"--learning-rate", "2"});
  EXPECT_EQ(sample.learning_rate, 2);

  EXPECT_EQ(options.source_of("batch"), "--batch");
  EXPECT_EQ(options.source_of("optimizer"), "default");
  EXPECT_TRUE(options.is_set("batch"));
  EXPECT_FALSE(options.is_set("optimizer"));
  EXPECT_THROW(options.source_of("nothing"), Error);
}

TEST_F(OptionsTest, FlagsReplaceTheListOfARecipe) {
  options.read_toml("milestones = [2, 3]", "r.toml");
  EXPECT_EQ(options.source_of("milestones"), "r.toml:1");
  options.parse({"--milestones", "9"});
  EXPECT_EQ(sample.milestones, (std::vector<int64_t>{9}));
}

TEST_F(OptionsTest, TomlTablesGroupAndPairsMayBeATable) {
  options.read_toml(R"(
    learning_rate = 1          # a whole number serves as a number
    ema = true
    [training]
    augment = "flip"           # one value serves as a list
    drop_path = 0.5
    [set]
    depth = 3
    img_size = [32, 48]
    act = "relu"
    qkv_bias = false
  )",
                    "r.toml");
  EXPECT_EQ(sample.learning_rate, 1);
  EXPECT_TRUE(sample.ema);
  EXPECT_EQ(sample.augment, (std::vector<std::string>{"flip"}));
  EXPECT_EQ(sample.drop_path, 0.5);
  EXPECT_EQ(sample.set, (std::vector<std::string>{"act=relu", "depth=3", "img_size=32,48", "qkv_bias=false"}));
}

TEST_F(OptionsTest, TomlErrorsNameFileAndLine) {
  EXPECT_EQ(toml_error("\nlearning_rat = 1"), "r.toml:2: unknown option 'learning_rat', did you mean 'learning_rate'?");
  EXPECT_EQ(toml_error("[a]\nbatch = 0"), "r.toml:2: 'batch' must be a whole number of at least 1, but it is '0'");
  EXPECT_EQ(toml_error("batch = 8.0"), "r.toml:1: 'batch' must be a whole number of at least 1, but it is '8'");
  EXPECT_EQ(toml_error("batch = \"8\""), "r.toml:1: 'batch' must be a whole number of at least 1, but it is '8'");
  EXPECT_EQ(toml_error("learning_rate = nan"), "r.toml:1: 'learning_rate' must be a number above 0, but it is 'nan'");
  EXPECT_EQ(toml_error("learning_rate = 1979-05-27"),
            "r.toml:1: 'learning_rate' must be a number above 0, but it is 'a date or a time'");
  EXPECT_EQ(toml_error("[a]\nbatch = 1\n[b]\nbatch = 2"), "r.toml:4: 'batch' is given twice");
  EXPECT_NE(toml_error("batch = = 1").find("r.toml:1: not valid TOML: "), std::string::npos);
  // A wrong value is an error even where a flag wins.
  options.parse({"--batch", "7"});
  EXPECT_NE(toml_error("batch = 0"), "no error");
}

TEST_F(OptionsTest, ReadsFilesAndSaysWhichIsMissing) {
  test::TemporaryFolder folder;
  std::ofstream(folder / "r.toml") << "batch = 3\n";
  options.read_toml_file(folder / "r.toml");
  EXPECT_EQ(sample.batch, 3);
  const std::string missing = (folder / "none.toml").string();
  EXPECT_EQ(error([&] { options.read_toml_file(missing); }), "cannot read the file '" + missing + "'");
  EXPECT_NE(error([&] { options.read_toml_file(folder.path()); }), "no error");
}

TEST_F(OptionsTest, JsonAndTomlRoundTrip) {
  options.parse({"--learning-rate", "0.1", "--betas", "0.8,0.95", "--set", "a=\"1\"", "--out", "/tmp/ü \\ \"x\"\n",
                 "--ema", "--augment", "crop", "--milestones="});
  for (const bool json : {true, false}) {
    Sample other;
    other.batch = 1;
    Options back;
    other.visit(back);
    if (json) {
      back.from_json(options.to_json(), "run.json");
    } else {
      back.read_toml(options.to_toml(), "out.toml");
    }
    EXPECT_EQ(back.to_json(), options.to_json());
    EXPECT_EQ(other.learning_rate, 0.1);  // to the bit
    EXPECT_EQ(other.batch, 128);
    EXPECT_EQ(other.out, sample.out);
    EXPECT_EQ(other.betas, sample.betas);
    EXPECT_TRUE(other.milestones.empty());
  }
}

TEST_F(OptionsTest, NamesThatAreNoUtf8AreStillWritten) {
  options.parse({"--out", "caf\xe9"});
  EXPECT_NE(options.to_json().find("caf\xef\xbf\xbd"), std::string::npos);
}

TEST_F(OptionsTest, WhatIsLocalStaysOutOfStoredResults) {
  const std::string stored = options.to_json(Options::Stored::results);
  EXPECT_EQ(stored.find("\"out\""), std::string::npos);
  EXPECT_NE(stored.find("\"batch\":128"), std::string::npos);
  EXPECT_NE(options.to_json().find("\"out\""), std::string::npos);
}

TEST_F(OptionsTest, JsonNullKeepsTheDefaultAndOtherJsonIsRefused) {
  options.from_json(R"({"batch": null, "learning_rate": 2})", "a.json");
  EXPECT_EQ(sample.batch, 128);
  EXPECT_EQ(sample.learning_rate, 2);
  EXPECT_EQ(error([&] { options.from_json("[1]", "a.json"); }), "a.json: not a JSON object of options");
  EXPECT_EQ(error([&] { options.from_json("{\"batch\": 1", "a.json"); }), "a.json: not a JSON object of options");
  EXPECT_EQ(error([&] { options.from_json(R"({"batch": 18446744073709551615})", "a.json"); }),
            "a.json: 'batch' must be a whole number of at least 1, but it is '18446744073709551615'");
  EXPECT_EQ(error([&] { options.from_json(R"({"bach": 1})", "a.json"); }),
            "a.json: unknown option 'bach', did you mean 'batch'?");
}

TEST_F(OptionsTest, ValuesOfAProgramAreCheckedToo) {
  options.check_values("options");
  sample.drop_path = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(error([&] { options.check_values("options"); }),
            "options: 'drop_path' must be a number from 0 to 1, but it is 'nan'");
  sample.drop_path = 0;
  sample.optimizer = "adam";
  EXPECT_NE(error([&] { options.check_values("options"); }), "no error");
}

TEST_F(OptionsTest, PairsSetByName) {
  options.set_pairs({"batch=9", "milestones=1,2", "out=a=b"}, "--set");
  EXPECT_EQ(sample.batch, 9);
  EXPECT_EQ(sample.milestones, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(sample.out, "a=b");
  EXPECT_EQ(error([&] { options.set_pairs({"bach=9"}, "--set"); }),
            "--set: unknown option 'bach', did you mean 'batch'?");
  EXPECT_EQ(error([&] { options.set_pairs({"batch=x"}, "--set"); }),
            "option '--set batch' must be a whole number of at least 1, but it is 'x'");
  EXPECT_EQ(error([&] { options.set_pairs({"batch"}, "--set"); }), "option '--set' takes KEY=VALUE, but it is 'batch'");
}

TEST_F(OptionsTest, HelpShowsSectionsRangesAndDefaults) {
  options.parse({"--batch", "3"});  // the defaults are shown, not the values
  EXPECT_EQ(options.help(80), R"(Usage: tessera train [OPTIONS]

Train a model.

Arguments:
  FILE…                         picture files

Optimiser:
  --learning-rate NUMBER        peak learning rate; above 0 [0.001]
  --optimizer adamw|sgd         update rule [adamw]
  --betas NUMBER,…              decay of the moments; at least 0 and below 1
                                [0.9,0.999]
  --milestones N,…              epochs at which the rate falls; at least 1
                                [30,60]

Training:
  --batch N                     pictures in a step; at least 1 [128]
  --drop-path NUMBER            rate of dropped blocks; from 0 to 1 [0.1]
  --[no-]ema                    average the weights [off]
  --[no-]amp                    mixed precision [on]
  --augment flip|crop|jitter    augmentations
  --set KEY=VALUE               change the model
  --out DIR                     folder of the run

  --help                        show this text
)");
}

TEST_F(OptionsTest, HelpIsAskedForBeforeTheDoubleDash) {
  EXPECT_TRUE(Options::asks_for_help({"--batch", "1", "--help"}));
  EXPECT_TRUE(Options::asks_for_help({"-h"}));
  EXPECT_FALSE(Options::asks_for_help({"--", "-h"}));
}

TEST_F(OptionsTest, ANameIsDeclaredOnce) { EXPECT_THROW(options("batch", sample.batch, "again"), Error); }

}  // namespace
}  // namespace tessera
