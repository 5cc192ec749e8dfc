# A graph of derivations that resembles a real one: `layers` layers of `width`, each derivation with 6 inputs in the layer below, some 2.6 KB per file
# with the multi-line scripts and flags that packages have. One root needs the whole last layer. Nothing is ever built.
{ layers, width }:
let
  range = n: builtins.genList (i: i) n;
  modulo = a: b: a - b * (a / b);
  script = phase: ''
    runHook pre${phase}
    echo "${phase} of \"$name\" with flags: ''${flagsArray[@]}"
    for flag in $${phase}Flags "''${${phase}FlagsArray[@]}"; do
    	flagsArray+=("$flag")
    done
    if [ -z "''${dontFix${phase}:-}" ]; then substituteInPlace $out/bin/* --replace '/usr/bin/env' "$(type -P env)"; fi
    runHook post${phase}
  '';
  node = layer: index: inputs: derivation ({
    name = "package-${toString layer}-${toString index}-1.2.3";
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-e" "-c" "source $stdenv/setup; genericBuild" ];
    pname = "package-${toString layer}-${toString index}";
    version = "1.2.3";
    buildInputs = inputs;
    buildPhase = script "Build";
    installPhase = script "Install";
    checkPhase = script "Check";
    configureFlags = [ "--disable-static" "--enable-shared" "--with-layer=${toString layer}" ];
    doCheck = false;
    enableParallelBuilding = true;
    hardeningDisable = "";
    outputs = [ "out" ];
    strictDeps = true;
  } // (if modulo index 10 == 3 then { requiredSystemFeatures = [ "big-parallel" ]; } else { })
    // (if modulo index 10 == 7 then { allowSubstitutes = false; preferLocalBuild = true; } else { }));
  next = below: layer: map (i: node layer i (map (k: builtins.elemAt below (modulo (i + k * 17) width)) (range 6))) (range width);
  first = map (i: node 0 i [ ]) (range width);
in
node layers 0 (builtins.foldl' next first (builtins.tail (range layers)))
