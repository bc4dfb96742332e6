#include "tessera/train/plan.h"

#include <gtest/gtest.h>

#include "tessera/core/error.h"
#include "tessera/train/budget.h"

namespace tessera::train {
namespace {

TEST(Plan, AFixedRunStandsWhereItIs) {
  const Plan plan({{0, 1237}});
  for (int64_t t = 0; t < 1300; ++t) ASSERT_EQ(plan.position(t), static_cast<double>(t));
  EXPECT_EQ(plan.total(0), 1237);
}

TEST(Plan, RevisionsHaveNoJumpAndReachTheEnd) {
  Plan plan;
  EXPECT_EQ(plan.total(5), 0);
  EXPECT_EQ(plan.position(5), 0);
  plan.decide({3, 103});
  EXPECT_EQ(plan.position(3), 0);
  EXPECT_DOUBLE_EQ(plan.position(103), 103);
  const double before = plan.position(50);
  plan.decide({50, 70});
  EXPECT_EQ(plan.position(50), before);
  EXPECT_EQ(plan.total(49), 103);
  EXPECT_EQ(plan.total(50), 70);
  EXPECT_DOUBLE_EQ(plan.position(70), 103);
  EXPECT_GT(plan.position(51) - plan.position(50), plan.position(50) - plan.position(49));
  EXPECT_EQ(plan.position(20), Plan({{3, 103}}).position(20));
  EXPECT_THROW(plan.decide({40, 70}), Error);
  EXPECT_THROW(plan.decide({60, 60}), Error);
}

// Runs a budget against a clock on which step t takes seconds_of(t); gives the time at the end.
template <class SecondsOf>
double run(double seconds, const Evaluations& evaluations, double evaluation_of_picture, SecondsOf seconds_of,
           Plan& plan) {
  const Budget budget(seconds, evaluations);
  Pace pace;
  double clock = 0;
  for (int64_t step = 1;; ++step) {
    clock += seconds_of(step);
    pace.add_step(seconds_of(step));
    if (evaluations.steps_between && step % evaluations.steps_between == 0) {
      clock += evaluation_of_picture * static_cast<double>(evaluations.pictures);
      pace.add_evaluation(evaluation_of_picture * static_cast<double>(evaluations.pictures), evaluations.pictures);
    }
    if (const auto decision = budget.decide(step, clock, plan, pace)) plan.decide(*decision);
    if (step == plan.total(step)) break;
  }
  return clock + evaluation_of_picture * static_cast<double>(evaluations.final_pictures);
}

TEST(Budget, EndsOnTimeAtAnEvenPace) {
  Plan plan;
  const double end = run(
      100, {}, 0, [](int64_t) { return 0.05; }, plan);
  EXPECT_LE(end, 100);
  EXPECT_GE(end, 99);
  EXPECT_EQ(plan.decisions().front().step, 40);  // 2 s
}

// The machine is busy with something else at first: a plan made by that pace would be over before the time is.
TEST(Budget, SurvivesASlowStart) {
  Plan plan;
  const auto slow_at_first = [](int64_t step) { return step == 1 ? 8.0 : step % 3 == 0 && step < 30 ? 0.5 : 0.05; };
  const double end =
      run(60, {.pictures = 100, .steps_between = 50, .final_pictures = 500, .batch = 10}, 0.001, slow_at_first, plan);
  EXPECT_LE(end, 60.5);
  EXPECT_GE(end, 58.5);
}

TEST(Budget, EndsOnTimeWhenThePaceChangesAndValidationsCost) {
  const Evaluations evaluations{.pictures = 1000, .steps_between = 100, .final_pictures = 3000, .batch = 100};
  for (double later : {0.02, 0.2}) {
    Plan plan;
    const double end = run(
        200, evaluations, 0.001, [&](int64_t step) { return step < 700 ? 0.1 : later; }, plan);
    EXPECT_LE(end, 203) << later;
    EXPECT_GE(end, 196) << later;
    EXPECT_LE(plan.decisions().size(), 1 + std::size(Budget::kRevisions));
    EXPECT_GE(plan.decisions().size(), 3u);
  }
}

TEST(Budget, TakesOneStepMoreWhenTheTimeIsOver) {
  Plan plan;
  const double end = run(
      1, {}, 0, [](int64_t) { return 10.0; }, plan);
  EXPECT_EQ(end, 20);
  EXPECT_EQ(plan.decisions(), (std::vector<Decision>{{1, 2}}));
}

}  // namespace
}  // namespace tessera::train
