// A corpus of questions, labelled with what answers them: a person, a place, a time, a number, a reason, or yes or no.
//
//   where will anna , who knows when the tall baker can sing , work ?        place
//   when can anna , who knows where the tall baker will work , sing ?        time
//
// Most questions have another one inside: which words there are does not always tell which of the two is asked. A
// grammar makes the sentences, a pure function of the seed. The test part has only combinations of a frame, a question
// and the question inside that the training part does not have.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tessera/core/random.h"
#include "tessera/data/sentences.h"

namespace questions {

using Words = std::vector<const char*>;

inline const std::vector<std::string> kAnswers = {"number", "person", "place", "reason", "time", "yes or no"};

// How a question begins, and what answers it (of kAnswers).
struct Opening {
  int64_t answer;
  std::string words;
};
inline const std::vector<Opening> kOpenings = {
    {0, "how many"},      {1, "who"},           {1, "with whom"}, {1, "for whom"},        {2, "where"},
    {2, "in which town"}, {2, "at what place"}, {3, "why"},       {3, "for what reason"}, {4, "when"},
    {4, "at what time"},  {4, "on which day"},  {5, ""}};

inline const Words kNames = {"anna", "tom",  "maria", "paul", "lena", "omar", "nina",  "ivan", "ruth", "felix",
                             "mira", "hugo", "clara", "emil", "sara", "noah", "greta", "leo",  "ines", "oscar"};
inline const Words kPeople = {"baker",  "teacher", "doctor", "pilot",   "farmer",  "singer",    "neighbour", "judge",
                              "driver", "waiter",  "nurse",  "captain", "dentist", "gardener",  "guard",     "lawyer",
                              "actor",  "sailor",  "cook",   "student", "tailor",  "carpenter", "poet",      "painter"};
inline const Words kKinds = {"old",   "young", "tall",    "tired", "famous", "new",  "friendly",
                             "quiet", "happy", "curious", "rich",  "strong", "busy", "clever"};
inline const Words kThings = {"apples", "books", "chairs", "letters", "tickets", "bottles", "pictures",
                              "eggs",   "lamps", "shoes",  "stamps",  "keys",    "maps",    "flowers"};
inline const Words kHandle = {"buy", "sell", "carry", "count", "paint", "send", "find", "hide", "collect", "return"};
inline const Words kDo = {"work",
                          "sing",
                          "wait",
                          "sleep",
                          "dance",
                          "swim",
                          "play chess",
                          "buy bread",
                          "meet the mayor",
                          "sell the house",
                          "paint the door",
                          "ring the bell",
                          "repair the car",
                          "read the letter",
                          "cook dinner",
                          "catch the train",
                          "feed the horses",
                          "water the flowers",
                          "wash the dishes",
                          "climb the tower",
                          "open the shop",
                          "learn french",
                          "visit the museum",
                          "cross the river",
                          "find the key",
                          "call the office",
                          "write a poem",
                          "clean the stairs",
                          "carry the lamp",
                          "count the money"};
inline const Words kModals = {"will", "can", "must", "should", "may"};
inline const Words kKnow = {"knows", "has asked", "has heard", "wonders", "remembers"};
inline const Words kRequests = {"tell me", "please say", "i wonder", "i want to know"};

class Grammar {
 public:
  explicit Grammar(tessera::Random random) : random_(random) {}

  static constexpr int kFrames = 8;
  // A sentence that asks the main question and has the other one inside.
  std::string sentence(int frame, const Opening& main, const Opening& inside) {
    std::string words = words_of(frame, main, inside);
    if (words.back() == ' ') words.pop_back();
    return words;
  }

 private:
  // Every part ends with a space.
  std::string words_of(int frame, const Opening& main, const Opening& inside) {
    switch (frame) {
      case 0:
        return direct(main, subject(), deed(main)) + "?";
      case 1:
        return one_of(kRequests) + indirect(main);
      case 2:
        return direct(main, knower(inside), deed(main)) + "?";
      case 3:
        return "if " + subject() + one_of(kKnow) + indirect(inside) + ", " + direct(main, subject(), deed(main)) + "?";
      case 4:
        return direct(main, subject(), deed(main)) + ", if " + subject() + one_of(kKnow) + indirect(inside) + "?";
      case 5:
        return direct(main, subject(), "tell " + subject() + indirect(inside)) + "?";
      case 6:
        return "tell me , if " + subject() + one_of(kKnow) + indirect(inside) + ", " + indirect(main);
      default:
        return direct(main, knower(inside), "ask " + subject() + indirect(other_opening())) + "?";
    }
  }

  std::string one_of(const Words& words) { return std::string(words[random_.below(words.size())]) + " "; }
  const Opening& other_opening() { return kOpenings[random_.below(kOpenings.size())]; }

  std::string plain_subject() {
    if (random_.coin(0.5)) return one_of(kNames);
    return "the " + (random_.coin(0.5) ? one_of(kKinds) : "") + one_of(kPeople);
  }
  // Now and then with a "who" that asks nothing.
  std::string subject() {
    std::string words = plain_subject();
    if (random_.coin(0.2)) words += ", who " + one_of(kModals) + one_of(kDo) + ", ";
    return words;
  }
  std::string knower(const Opening& inside) {
    return plain_subject() + ", who " + one_of(kKnow) + indirect(inside) + ", ";
  }

  std::string deed(const Opening& opening) { return one_of(opening.words == "how many" ? kHandle : kDo); }
  std::string opening_words(const Opening& opening) {
    if (opening.words.empty()) return "";
    return opening.words + " " + (opening.words == "how many" ? one_of(kThings) : "");
  }
  // "where will anna work"; "who" asks for the subject itself.
  std::string direct(const Opening& opening, const std::string& subject, const std::string& deed) {
    const std::string modal = one_of(kModals);
    return opening_words(opening) + modal + (opening.words == "who" ? "" : subject) + deed;
  }
  // "where anna will work"
  std::string indirect(const Opening& opening) {
    const std::string modal = one_of(kModals), doing = deed(opening);
    if (opening.words == "who") return "who " + modal + doing;
    const std::string asked = opening.words.empty() ? "whether " : opening_words(opening);
    return asked + plain_subject() + modal + doing;
  }

  tessera::Random random_;
};

struct Corpus {
  tessera::data::Sentences train, test;
};

inline Corpus make_corpus(int64_t train, int64_t test, uint64_t seed = 0) {
  Corpus corpus;
  corpus.train.class_names = corpus.test.class_names = kAnswers;
  for (uint64_t i = 0; corpus.train.size() < train || corpus.test.size() < test; ++i) {
    tessera::Random random(seed, "questions", i);
    std::vector<const Opening*> fitting;
    const auto answer = static_cast<int64_t>(random.below(kAnswers.size()));
    for (const Opening& opening : kOpenings)
      if (opening.answer == answer) fitting.push_back(&opening);
    const Opening& main = *fitting[random.below(fitting.size())];
    const Opening& inside = kOpenings[random.below(kOpenings.size())];
    const auto frame = static_cast<int>(random.below(Grammar::kFrames));
    if (main.words == "who" && (frame == 2 || frame == 7)) continue;  // their knower is the subject
    const std::string combination = std::to_string(frame) + main.words + "/" + inside.words;
    const bool alone = frame < 2;  // nothing inside: for training
    const bool held_out = !alone && tessera::Random(seed, "questions/held out/" + combination).coin(0.2);
    tessera::data::Sentences& part = held_out ? corpus.test : corpus.train;
    if (part.size() >= (held_out ? test : train)) continue;
    part.texts.push_back(Grammar(random).sentence(frame, main, inside));
    part.labels.push_back(answer);
  }
  return corpus;
}

}  // namespace questions
