# Derivations of every kind that the parser must read; none of them is built. `names` says which.
let
  system = "x86_64-linux";
  make = name: attributes: derivation ({ inherit name system; builder = "/bin/sh"; } // attributes);

  base = make "base" { };
  multi = make "multi" { outputs = [ "out" "dev" "doc" ]; };
  structuredAttributes = {
    __structuredAttrs = true;
    requiredSystemFeatures = [ "kvm" "big-parallel" ];
    allowSubstitutes = false;
    nested = { list = [ 1 2.5 true null "\"\\\n" ]; path = base; };
  };
  floating = make "floating" { __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; };
  fixed = algorithm: mode: make "fixed-${algorithm}-${mode}" {
    outputHashMode = mode;
    outputHashAlgo = algorithm;
    outputHash = builtins.hashString algorithm "content";
  };
in
{
  inherit base multi floating;
  arguments = make "arguments" { args = [ "" " " "-c" "echo \"$out\" > $out\n" "\\" "\"" "],[(" ]; };
  environment = make "environment" {
    empty = "";
    quotes = "\"\\\"\"";
    backslashes = "\\\\\\n\\\"";
    white = "\t\r\n \n";
    dollar = "\${out} $$";
    control = builtins.fromJSON "\"\\u0001\\u001b\\u007f\"";
    unicode = "äöü → 日本語 🔥 \u{e000}";
    term = ''Derive([("out","","","")],[],[],"","",[],[])'';
    "odd name.with-\"quotes\"" = "x";
    __proto__ = "x";
    constructor = "x";
    number = 42;
    negative = -1;
    float = 1.5;
    yes = true;
    no = false;
    nothing = null;
    list = [ "a" 1 [ "b" base ] ];
    long = builtins.concatStringsSep "\n" (builtins.genList (n: "line \"${toString n}\"\t\\") 2000);
  };
  inputs = make "inputs" { a = base; b = multi.dev; c = multi.doc; d = "${multi}/bin"; };
  sources = make "sources" { src = builtins.toFile "source" "content"; other = "${./derivations.nix}"; };
  wholeClosure = make "whole-closure" { drv = base.drvPath; };
  dotted = make ".dotted" { };
  longName = make (builtins.concatStringsSep "" (builtins.genList (_: "x") 207)) { };
  features = make "features" { requiredSystemFeatures = [ "kvm" "nixos-test" ]; allowSubstitutes = false; preferLocalBuild = true; };
  structured = make "structured" structuredAttributes;
  structuredMulti = make "structured-multi" (structuredAttributes // { outputs = [ "out" "lib" ]; });
  fixedFlat = fixed "sha256" "flat";
  fixedRecursive = fixed "sha256" "recursive";
  fixedMd5 = fixed "md5" "flat";
  fixedSha1 = fixed "sha1" "recursive";
  fixedSha512 = fixed "sha512" "flat";
  deferred = make "deferred" { input = floating; };
  impure = make "impure" { __impure = true; };
}
