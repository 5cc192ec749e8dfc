# Small derivations of every kind, for the fuzzer to start from; none of them is built.
let
  make = name: attributes: derivation ({ inherit name; system = "x86_64-linux"; builder = "/bin/sh"; } // attributes);
  base = make "base" { };
  multi = make "multi" { outputs = [ "out" "dev" "doc" ]; };
  floating = make "floating" { __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; };
  fixed = algorithm: mode: make "fixed-${algorithm}-${mode}" {
    outputHashMode = mode;
    outputHashAlgo = algorithm;
    outputHash = builtins.hashString algorithm "content";
  };
in
{
  inherit base multi floating;
  strange = make "strange" {
    args = [ "" "-c" "echo \"$out\" > $out\n" "\\" "],[(" ];
    empty = "";
    white = "\t\r\n \n";
    unicode = "äöü → 日本語 🔥";
    "odd name.with-\"quotes\"" = "x";
    __proto__ = "x";
    term = ''Derive([("out","","","")],[],[],"","",[],[("out","")])'';
  };
  inputs = make "inputs" { a = base; b = multi.dev; c = multi.doc; src = builtins.toFile "source" "content"; };
  structured = make "structured" {
    __structuredAttrs = true;
    outputs = [ "out" "lib" ];
    requiredSystemFeatures = [ "kvm" "big-parallel" ];
    allowSubstitutes = false;
    nested = { list = [ 1 2.5 true null "\"\\\n" ]; path = base; };
  };
  features = make "features" { requiredSystemFeatures = [ "kvm" "nixos-test" ]; allowSubstitutes = false; };
  fixedFlat = fixed "sha256" "flat";
  fixedRecursive = fixed "sha256" "recursive";
  fixedMd5 = fixed "md5" "flat";
  fixedSha1 = fixed "sha1" "recursive";
  fixedSha512 = fixed "sha512" "flat";
  deferred = make "deferred" { input = floating; };
  impure = make "impure" { __impure = true; };
}
