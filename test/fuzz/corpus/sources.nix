# A derivation that needs sources of every kind, small ones. `added` are paths of nix-store --add-fixed and the like; `tree` is a folder.
{ added, tree }:
let
  one = builtins.toFile "one.txt" "a text";
in
derivation {
  name = "needs-sources";
  system = "x86_64-linux";
  builder = builtins.toFile "builder.sh" "cat ${one} > $out";
  whole = builtins.path { path = tree; name = "tree"; };
  flat = builtins.path { path = tree + "/nothing"; name = "flat"; recursive = false; };
  executable = builtins.path { path = tree + "/bin/run"; name = "run"; };
  text = builtins.toFile "references.txt" "${one} ${builtins.toFile "two.txt" "${one}"}";
  input = derivation { name = "input"; system = "x86_64-linux"; builder = one; outputs = [ "out" "dev" ]; };
  added = map builtins.storePath added;
}
