#include "tessera/formats/pickle.h"

#include <bit>

#include "tessera/core/error.h"
#include "tessera/formats/pickle_machine.h"

namespace tessera::formats {

Pickle::Pickle(std::span<const std::byte> bytes, const std::string& what, MayCall may_call) {
  PickleMachine(*this, bytes, what, may_call).run();
}

double Pickle::real(Ref ref) const { return std::bit_cast<double>(values_[ref].payload); }

std::string_view Pickle::text(Ref ref) const {
  return is_made(ref) ? text(made_[values_[ref].index].callee) : texts_[values_[ref].index];
}

std::span<const Pickle::Ref> Pickle::items(Ref ref) const {
  const uint32_t index = values_[ref].index;
  switch (kind(ref)) {
    case Kind::list:
    case Kind::tuple:
    case Kind::set:
    case Kind::persistent:
      return sequences_[index];
    case Kind::call:
    case Kind::object:
      return sequences_[values_[made_[index].arguments].index];
    default:
      return {};
  }
}

std::span<const Pickle::Ref> Pickle::pairs(Ref ref) const {
  if (is(ref, Kind::dictionary)) return sequences_[values_[ref].index];
  return is_made(ref) ? std::span<const Ref>(made_[values_[ref].index].pairs) : std::span<const Ref>();
}

std::span<const Pickle::Ref> Pickle::elements(Ref ref) const {
  return is_made(ref) ? std::span<const Ref>(made_[values_[ref].index].elements) : std::span<const Ref>();
}

Pickle::Ref Pickle::state(Ref ref) const { return is_made(ref) ? made_[values_[ref].index].state : kNothing; }

}  // namespace tessera::formats
