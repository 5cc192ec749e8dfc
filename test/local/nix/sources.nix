# One derivation that needs sources of every kind. `added` are paths of nix-store --add-fixed and the like; `folder` has the files to read.
{ added, folder }:
let
  one = builtins.toFile "one.txt" "a text";
  tree = builtins.path { path = folder + "/tree"; name = "tree"; };
in
derivation {
  name = "needs-sources";
  system = "x86_64-linux";
  builder = builtins.toFile "builder.sh" "cat ${one} ${tree}/file > $out";
  inherit one tree;
  whole = folder + "/tree";
  flat = builtins.path { path = folder + "/tree/file"; name = "flat"; recursive = false; };
  executable = builtins.path { path = folder + "/tree/executable"; };
  link = builtins.path { path = folder + "/tree/link"; };
  hashed = builtins.path { path = folder + "/tree/file"; name = "hashed"; recursive = false; sha256 = builtins.hashFile "sha256" (folder + "/tree/file"); };
  filtered = builtins.filterSource (path: type: type != "symlink") (folder + "/tree");
  fetched = builtins.fetchurl { url = "file://${toString folder}/tree/file"; sha256 = builtins.hashFile "sha256" (folder + "/tree/file"); };
  large = builtins.path { path = folder + "/large"; };
  largeFlat = builtins.path { path = folder + "/large"; name = "large-flat"; recursive = false; };
  largeTree = builtins.path { path = folder; name = "large-tree"; };
  text = builtins.toFile "references.txt" "${one} ${tree} ${builtins.toFile "two.txt" "${one}"}";
  input = derivation { name = "input"; system = "x86_64-linux"; builder = one; outputs = [ "out" "dev" ]; };
  added = map builtins.storePath added;
}
