# A small package set. Everything begins with two static programs in ./bootstrap/bin (bash and busybox), so that nothing else is needed;
# being static and only run through bash, the same two programs serve every system that the machine is told to emulate.
{ system }:
let
  # Only this folder becomes a store path: editing any other file rebuilds nothing.
  bootstrap = builtins.path { path = ./bootstrap; name = "bootstrap"; };

  # Copies of the two programs, so that nothing built later refers to the source.
  tools = derivation {
    name = "tools-1.0";
    inherit system;
    builder = "${bootstrap}/bin/bash";
    args = [ "-ec" ''
      busybox=${bootstrap}/bin/busybox
      $busybox mkdir -p $out/bin
      $busybox cp $busybox ${bootstrap}/bin/bash $out/bin
      $busybox chmod 755 $out/bin/busybox $out/bin/bash
      for applet in $($busybox --list); do
        case $applet in busybox | bash | sh) ;; *) $busybox ln -s busybox $out/bin/$applet ;; esac
      done
      $busybox ln -s bash $out/bin/sh
    '' ];
  };

  # What `nix develop`, `nix-shell` and every build below begin with.
  stdenv = derivation {
    name = "stdenv-mini";
    inherit system;
    builder = "${tools}/bin/bash";
    args = [ "-ec" ''
      export PATH=${tools}/bin
      mkdir -p $out
      cat > $out/setup <<SETUP
      PATH=${tools}/bin
      for package in \$nativeBuildInputs \$buildInputs; do
        [ -d \$package/bin ] && PATH=\$package/bin:\$PATH
      done
      export PATH
      runHook() { local hook=\$1; [ -z "\''${!hook}" ] || eval "\''${!hook}"; }
      SETUP
    '' ];
  };

  make = attributes@{ script, outputs ? [ "out" ], buildInputs ? [ ], nativeBuildInputs ? [ ], ... }:
    derivation (removeAttrs attributes [ "script" ] // {
      inherit system stdenv outputs buildInputs nativeBuildInputs;
      builder = "${tools}/bin/bash";
      args = [ "-ec" "source ${stdenv}/setup\n${script}" ];
    });

  # A program that prints a text, and refers to what it is given at run time.
  program = { name, version, text, uses ? [ ], effort ? 1 }:
    make {
      name = "${name}-${version}";
      buildInputs = uses;
      script = ''
        echo "compiling ${name}"
        sleep ${toString effort}
        mkdir -p $out/bin $out/share
        printf '#!${tools}/bin/sh\necho "%s"\n' ${builtins.toJSON text} > $out/bin/${name}
        chmod +x $out/bin/${name}
        for package in $buildInputs; do echo $package >> $out/share/uses; done
      '';
    };

  libtext = program { name = "libtext"; version = "2.1"; text = "text"; };
  libformat = program { name = "libformat"; version = "1.4"; text = "format"; uses = [ libtext ]; };

  # Needed to build `site`, and by nobody afterwards.
  compiler = program { name = "compiler"; version = "9.6"; text = "compiled"; uses = [ libtext ]; effort = 2; };
in
rec {
  inherit tools stdenv libtext libformat compiler make program;

  greeter = program {
    name = "greeter";
    version = "1.0";
    text = builtins.replaceStrings [ "\n" ] [ "" ] (builtins.readFile ./greeting.txt);
    uses = [ libformat ];
  };

  linter = program { name = "linter"; version = "0.9"; text = "no findings"; uses = [ libtext libformat ]; effort = 2; };

  site = make {
    name = "site-3.2";
    nativeBuildInputs = [ compiler ];
    script = ''
      mkdir -p $out/bin
      printf '#!${tools}/bin/sh\necho "site: %s"\n' "$(compiler)" > $out/bin/site
      chmod +x $out/bin/site
    '';
  };

  # It refers to a source at run time: whoever downloads the program downloads `checklist.sh` as well.
  checklist = make {
    name = "checklist-1.0";
    script = ''
      mkdir -p $out/bin
      printf '#!${tools}/bin/sh\n. ${./checklist.sh}\n' > $out/bin/checklist
      chmod +x $out/bin/checklist
    '';
  };

  # Two outputs from one build; the shell `docs` needs only one of them.
  manual = make {
    name = "manual-1.0";
    outputs = [ "out" "doc" ];
    script = ''
      mkdir -p $out/bin $doc/share
      printf '#!${tools}/bin/sh\necho manual\n' > $out/bin/manual
      chmod +x $out/bin/manual
      yes "All work and no cache makes Nix a dull tool." | head -n 4000 > $doc/share/manual.txt
    '';
  };

  # A fixed-output derivation, as every download is one.
  licences = derivation {
    name = "licences.txt";
    inherit system;
    builder = "${tools}/bin/bash";
    args = [ "-ec" "echo -n MIT > $out" ];
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = builtins.hashString "sha256" "MIT";
  };

  # Like nixpkgs' writeShellScriptBin and symlinkJoin: too trivial to download.
  release = make {
    name = "release";
    allowSubstitutes = false;
    preferLocalBuild = true;
    buildInputs = [ greeter manual ];
    script = ''
      mkdir -p $out/bin
      printf '#!${tools}/bin/sh\n${greeter}/bin/greeter\n${manual}/bin/manual\n' > $out/bin/release
      chmod +x $out/bin/release
    '';
  };

  # As nixpkgs' mkShell since 22.05: its output is a record of its environment.
  mkShell = { name, packages }: make { name = "${name}-shell"; buildInputs = packages; preferLocalBuild = true; script = "export > $out"; };
}
