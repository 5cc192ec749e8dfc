# Like haskell.nix, in small: a planner reads the project, its output is Nix, and the shell is made of what that says. Evaluating the shell needs the plan, so somebody
# has to build it first, on its own system. The two programs in ./bootstrap/bin (bash and busybox, both static) serve every system.
{ system }:
let
  bootstrap = builtins.path { path = ./bootstrap; name = "bootstrap"; };
  busybox = "${bootstrap}/bin/busybox";
  make = name: script: derivation {
    inherit name system;
    builder = "${bootstrap}/bin/bash";
    args = [ "-ec" script ];
  };

  # what the project needs, one name in a line
  project = builtins.toFile "project.txt" ''
    parser
    printer
  '';

  plan = make "plan.nix" ''
    { echo '['; while read -r name; do echo "\"$name\""; done < ${project}; echo ']'; } > $out
  '';

  tool = name: make name ''
    ${busybox} mkdir -p $out/bin
    printf '#!%s sh\necho ${name}\n' ${busybox} > $out/bin/${name}
    ${busybox} chmod +x $out/bin/${name}
  '';
in
{
  # evaluates without building anything
  plain = make "plain-shell" "export > $out # ${tool "parser"}";

  # import-from-derivation: its tools are those that the plan names
  default = make "planned-shell" "export > $out # ${toString (map tool (import plan))}";
}
