# A shell that names all of `layers` * `width` packages as its inputs, each package with 6 inputs in the layer below. Of the last layer the first `changed`
# packages are another version. Nothing is ever built.
{ layers, width, changed }:
let
  range = n: builtins.genList (i: i) n;
  modulo = a: b: a - b * (a / b);
  package = layer: index: inputs: derivation {
    name = "package-${toString layer}-${toString index}-1.2.3";
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-e" "-c" "source $stdenv/setup; genericBuild" ];
    buildInputs = inputs;
    version = if layer == layers - 1 && index < changed then "1.2.4" else "1.2.3";
  };
  next = below: layer: map (i: package layer i (map (k: builtins.elemAt below (modulo (i + k * 17) width)) (range 6))) (range width);
  first = map (i: package 0 i [ ]) (range width);
  all = builtins.foldl' (done: layer: done ++ [ (next (builtins.elemAt done (layer - 1)) layer) ]) [ first ] (builtins.tail (range layers));
in
derivation {
  name = "shell";
  system = "x86_64-linux";
  builder = "/bin/sh";
  buildInputs = builtins.concatLists all;
}
