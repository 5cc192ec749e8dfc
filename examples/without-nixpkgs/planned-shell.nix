# Like haskell.nix, in small: a planner reads the project, its output is Nix, and the shell is made of what that says (import-from-derivation). Evaluating the shell
# needs the plan, so somebody has to build it first, on a machine of its own system: a Linux evaluator alone cannot.
{ system }:
let
  inherit (import ./packages.nix { inherit system; }) make program mkShell;

  # what the project needs, one name in a line
  project = builtins.toFile "project.txt" "parser\nprinter\n";

  plan = make {
    name = "plan.nix";
    script = ''
      { echo '['; while read -r name; do echo "\"$name\""; done < ${project}; echo ']'; } > $out
    '';
  };

  component = name: program { inherit name; version = "0.1"; text = "${name} of the plan"; };
in
{
  planned = mkShell { name = "planned"; packages = map component (import plan); };
}
