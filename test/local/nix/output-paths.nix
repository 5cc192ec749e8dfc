# Derivations whose output paths are hard to compute; none of them is built. What the Nix at hand does not know is left out.
let
  system = "x86_64-linux";
  make = name: attributes: derivation ({ inherit name system; builder = "/bin/sh"; } // attributes);
  fetch = name: url: algorithm: mode: make name {
    inherit url;
    outputHashMode = mode;
    outputHashAlgo = algorithm;
    outputHash = builtins.hashString algorithm "content";
  };
  product = f: one: other: builtins.concatMap (a: map (b: f a b) other) one;

  base = make "base" { };
  two = make "two" { outputs = [ "dev" "out" ]; };

  # Two mirrors of one file: other derivations, the same output.
  mirrors = map (host: fetch "file.tar" "https://${host}/file" "sha256" "flat") [ "one" "two" ];
  # Made from one mirror each, and equal modulo their inputs: other derivations, the same outputs.
  equal = map (src: make "equal" { inherit src; outputs = [ "out" "dev" "doc" ]; }) mirrors;
  again = map (input: make "again" { inherit input; }) equal;

  floating = make "floating" { __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; outputs = [ "out" "lib" ]; };
  impure = make "impure" { __impure = true; };
  deferred = make "deferred" { input = floating.lib; outputs = [ "out" "dev" ]; };
  fixedOnFloating = make "fixed-on-floating" { input = floating; outputHashMode = "flat"; outputHashAlgo = "sha1"; outputHash = builtins.hashString "sha1" ""; };

  # A byte that is no UTF-8: the first half of a letter.
  half = builtins.substring 0 1 "ä";

  newer = builtins ? outputOf;
  textual = make "textual.drv" { __contentAddressed = true; outputHashMode = "text"; outputHashAlgo = "sha256"; };
in
builtins.concatLists (map (value: if builtins.isList value then value else [ value ]) (builtins.attrValues ({
  fixed = product (fetch "fixed" "https://example.org/fixed") [ "md5" "sha1" "sha256" "sha512" ] [ "flat" "recursive" ];
  needsFixed = map (input: make "needs-fixed" { inherit input; }) (product (fetch "fixed" "u") [ "md5" "sha1" "sha256" "sha512" ] [ "flat" "recursive" ]);
  sri = make "sri" { outputHashMode = "recursive"; outputHash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="; };
  builtinFetchurl = make "builtin" {
    builder = "builtin:fetchurl";
    system = "builtin";
    url = "https://example.org/x?a=b&c=\"d\"";
    executable = false;
    unpack = false;
    outputHashMode = "flat";
    outputHashAlgo = "sha512";
    outputHash = builtins.hashString "sha512" "x";
    preferLocalBuild = true;
    impureEnvVars = [ "http_proxy" ];
  };

  needsMirrors = make "needs-mirrors" { srcs = mirrors; };
  # One hash with two names of outputs, from two derivations; and with one name from both.
  needsEqual = make "needs-equal" { a = builtins.elemAt equal 0; b = (builtins.elemAt equal 1).dev; };
  needsEqualOutputs = make "needs-equal-outputs" { a = (builtins.elemAt equal 0).doc; b = (builtins.elemAt equal 1).doc; c = builtins.elemAt equal 1; };
  needsAgain = make "needs-again" { inputs = again ++ equal; };

  manyOutputs = make "many-outputs" { outputs = [ "lib" "out" "bin" "a.b+c-d_e?f=g" "Dev" "0" "__proto__" "constructor" ]; };
  needsManyOutputs = let many = make "many" { outputs = [ "z" "a" "out" "M" "__proto__" ]; }; in make "needs-many" { inputs = [ many.z many.M many.__proto__ many.a ]; };
  withoutOut = make "without-out" { outputs = [ "lib" ]; };
  # The names of two outputs are variables of other meaning, too; the variables lose their values.
  outputsLikeVariables = make "like-variables" { outputs = [ "builder" "args2" ]; args2 = "lost"; };
  mentionsOutputs = make "mentions" { outputs = [ "out" "dev" ]; text = "${placeholder "out"} ${placeholder "dev"}"; "text\",\"out" = "out"; };

  structured = make "structured" { __structuredAttrs = true; outputs = [ "out" "dev" ]; list = [ base two.dev ]; unicode = "ä🔥"; nested.a.b = null; };
  needsStructured = make "needs-structured" { input = make "structured" { __structuredAttrs = true; exportReferencesGraph.x = [ base ]; }; };

  strings = make "strings-1.0+b_c?d=e.f" {
    args = [ "" "\"" "\\" "\n\r\t" "],[(" "ä" half "\${out}" ];
    empty = "";
    "" = "no name";
    white = " \t\r\n";
    term = ''Derive([("out","","","")],[],[],"","",[],[("out","x")])'';
    "na\"me\\\n" = ''("out","'';
    unicode = "ä → 日本 🔥";
    latin = half;
    "ä" = "ä";
    control = builtins.fromJSON "\"\\u0001\\u007f\"";
  };
  needsStrings = make "needs-strings" { input = make "half" { inherit half; }; };

  drvPath = make "drv-path" { drv = base.drvPath; };
  wholeClosure = make "whole-closure" { drv = (builtins.elemAt again 0).drvPath; };
  sources = make "sources" { one = builtins.toFile "one" "content"; two = "${./packages.nix}"; three = ./derivations.nix; };
  ignoreNulls = make "ignore-nulls" { __ignoreNulls = true; nothing = null; };

  inherit impure floating deferred fixedOnFloating;
  needsImpure = make "needs-impure" { inherit impure; };
  needsDeferred = make "needs-deferred" { inherit deferred base; };
  needsFixedOnFloating = make "needs-fixed-on-floating" { inherit fixedOnFloating; };
} // (if !newer then { } else {
  git = make "git" { outputHashMode = "git"; outputHashAlgo = "sha1"; outputHash = builtins.hashString "sha1" "x"; };
  needsGit = make "needs-git" { input = make "git" { outputHashMode = "git"; outputHashAlgo = "sha1"; outputHash = builtins.hashString "sha1" "x"; }; };
  text = textual;
  dynamic = make "dynamic" { input = builtins.outputOf textual.outPath "out"; };
}))))
