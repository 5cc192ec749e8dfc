# Derivations whose outputs have the same references, each under another rule: out refers to itself, to dev and to lib, and lib to libc.
let
  make = name: args: rest: derivation ({
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/bash";
    args = [ "-c" args ];
  } // rest);
  libc = make "libc" "echo libc > $out" { };
  lib = make "lib" "echo ${libc} > $out" { };
  variables = rules: make "subject" "echo $out $dev ${lib} > $out; echo dev > $dev" ({ outputs = [ "out" "dev" ]; } // rules);
  structured = checks: make "subject"
    # Nix 2.8 names a file that its sandbox does not show.
    ''[ -e .attrs.sh ] && . ./.attrs.sh || . "$NIX_ATTRS_SH_FILE"; echo ''${outputs[out]} ''${outputs[dev]} ${lib} > ''${outputs[out]}; echo dev > ''${outputs[dev]}''
    { __structuredAttrs = true; outputs = [ "out" "dev" ]; outputChecks = checks; };
in
{
  inherit lib libc;
  rows = {
    none = variables { };
    allowed = variables { allowedReferences = [ "out" "dev" lib ]; };
    allowed-not-self = variables { allowedReferences = [ "dev" lib ]; };
    allowed-none = variables { allowedReferences = [ ]; };
    allowed-illegal = variables { allowedReferences = [ "out" "dev" lib "doc" ]; };
    disallowed-other = variables { disallowedReferences = [ libc ]; };
    disallowed-lib = variables { disallowedReferences = [ lib ]; };
    disallowed-none = variables { disallowedReferences = [ ]; };
    disallowed-output = variables { disallowedReferences = [ "dev" ]; };
    requisites = variables { allowedRequisites = [ "dev" lib libc ]; };
    requisites-not-libc = variables { allowedRequisites = [ "dev" lib ]; };
    requisites-forbidden = variables { disallowedRequisites = [ libc ]; };
    requisites-self-forbidden = variables { disallowedRequisites = [ "out" ]; };
    checks-of-nobody = structured { doc.maxSize = 1; };
    checks-allowed = structured { out.allowedReferences = [ "out" "dev" lib ]; };
    checks-allowed-dev = structured { dev.allowedReferences = [ ]; };
    checks-disallowed = structured { out.disallowedReferences = [ lib ]; };
    checks-requisites = structured { out.allowedRequisites = [ "out" "dev" lib libc ]; };
    checks-requisites-not-self = structured { out.allowedRequisites = [ "dev" lib libc ]; };
    checks-requisites-forbidden = structured { out.disallowedRequisites = [ libc ]; };
    checks-size = structured { out.maxSize = 100000; };
    checks-size-exceeded = structured { out.maxSize = 100; };
    checks-closure-size = structured { out.maxClosureSize = 100000; };
    checks-closure-size-exceeded = structured { out.maxClosureSize = 400; };
  };
}
