# The shells that developers enter. They share most of what they need; one is broken on purpose.
{ system }:
let
  packages = import ./packages.nix { inherit system; };
  inherit (packages) mkShell;
in
{
  default = mkShell { name = "default"; packages = [ packages.greeter packages.linter ]; };
  ci = mkShell { name = "ci"; packages = [ packages.greeter packages.linter packages.site packages.checklist packages.licences ]; };
  docs = mkShell { name = "docs"; packages = [ packages.manual.doc packages.site ]; };
  # `release` has allowSubstitutes = false: laptops always build it themselves, so what it is made of must be in the cache.
  release = mkShell { name = "release"; packages = [ packages.release ]; };
  broken = throw "this shell is broken on purpose: the others must not notice";
}
