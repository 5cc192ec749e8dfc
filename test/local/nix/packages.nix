# A few real packages, built by the shell of this machine: references to each other, to themselves and to none; several outputs; files of every kind.
{ salt ? "" }:
let
  make = name: script: attributes: derivation ({
    inherit name salt;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-ec" script ];
    PATH = "/bin:/usr/bin";
  } // attributes);

  alone = make "alone" "echo nothing > $out" { };
  self = make "self" "mkdir -p $out/bin; echo $out > $out/bin/self; chmod +x $out/bin/self; ln -s bin/self $out/self" { };
  source = builtins.toFile "script.sh" "echo a source that is referred to";
  several = make "several" ''
    mkdir $out $dev
    printf '\0\377%s\0' ${self} > $out/binary
    echo ${source} $out > $dev/text
    ln -s ${alone} $dev/link
  '' { outputs = [ "out" "dev" ]; };
  fixed = make "fixed" "printf content > $out" {
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = builtins.hashString "sha256" "content";
  };
in
make "all" "mkdir $out; echo ${several} ${several.dev} ${fixed} > $out/uses" { }
