import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A flake without nixpkgs whose builder is a static bash and whose outputs are single files: each builds in milliseconds, unless its name says otherwise.
 */
const PACKAGES = `
{ system }:
let
  bootstrap = "\${builtins.path { path = ./bootstrap; name = "bootstrap"; }}";
  bash = "\${bootstrap}/bash";
  busybox = "\${bootstrap}/busybox";
  mk = name: script: extra: derivation ({ inherit name system; builder = bash; args = [ "-ec" script ]; } // extra);
  shell = name: inputs: mk name "export > $out" { inherit inputs; };
in rec {
  libbase = mk "libbase-1.0" "echo base > $out" { };
  libleft = mk "libleft-1.0" "echo left \${libbase} > $out" { };
  libright = mk "libright-1.0" "echo right \${libbase} > $out" { };
  app = mk "app-1.0" "echo \${libleft} \${libright} > $out" { };
  multi = mk "multi-2.0" "echo out > $out; echo $out > $dev; echo doc > $doc" { outputs = [ "out" "dev" "doc" ]; };
  # refers to a source of the flake at run time
  tool = mk "tool-1.0" "echo \${./script.sh} > $out" { };
  # what the builder's environment must not contain
  spy = mk "spy-1.0" "export > $out" { };
  broken = mk "broken-1.0" "echo about to fail \${libbase}; exit 3" { };
  needsBroken = mk "needs-broken-1.0" "echo \${broken} > $out" { };
  badHash = mk "bad-hash-1.0" "echo surprise > $out" {
    outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = builtins.hashString "sha256" "expected";
  };
  exotic = mk "exotic-1.0" "echo > $out" { requiredSystemFeatures = [ "quantum" ]; };
  # builds until it is stopped
  endless = mk "endless-1.0" "while true; do :; done" { };
  slow = mk "slow-1.0" "\${busybox} sleep 8; echo slow > $out" { };
  afterSlow = mk "after-slow-1.0" "echo \${slow} > $out" { };
  # every build of it is another one
  random = mk "random-1.0" "echo $RANDOM $RANDOM $RANDOM $RANDOM > $out" { };
  usesRandom = mk "uses-random-1.0" "echo uses $(<\${random}) > $out" { };
  # 24 MB that no compression makes smaller
  big = mk "big-1.0" "\${busybox} head -c 24000000 /dev/urandom > $out" { };
  imported = mk "imported-1.0" "echo '{ greeting = 1; }' > $out" { };

  shells = {
    default = shell "default-shell" [ app tool ];
    docs = shell "docs-shell" [ multi.doc libleft ];
    failing = shell "failing-shell" [ app needsBroken badHash ];
    exotic = shell "exotic-shell" [ exotic app ];
    endless = shell "endless-shell" [ endless afterSlow usesRandom big ];
    throws = throw "this shell does not evaluate";
    missing = shell "missing-shell" [ (rec { a = 1; }).b ];
    # 1000^6 steps, without growing
    loops = let spin = n: if n == 0 then 0 else builtins.foldl' (all: _: spin (n - 1)) 0 (builtins.genList (i: i) 1000);
      in shell "loop-shell" [ (spin 6) ];
    eats = shell "memory-shell" [ (builtins.length (builtins.foldl' (all: _: all ++ all) [ 1 ] (builtins.genList (n: n) 40))) ];
    imports = shell "ifd-shell" [ (import "\${imported}").greeting ];
    noDerivation = 42;
    "odd.\${"name"}" = shell "odd-shell" [ libbase ];
  };
}
`

const FLAKE = `
{
  outputs = { self }: {
    devShells = builtins.listToAttrs (map
      (system: { name = system; value = (import ./packages.nix { inherit system; }).shells; })
      [ "x86_64-linux" "aarch64-linux" ]);
    revision = self.rev;
  };
}
`

/** Writes a git repository with the sample flake. @returns its commit */
export function writeSampleFlake(folder: string): string {
  mkdirSync(join(folder, 'bootstrap'), { recursive: true })
  copyFileSync('/bin/bash-static', join(folder, 'bootstrap', 'bash'))
  copyFileSync('/bin/busybox', join(folder, 'bootstrap', 'busybox'))
  writeFileSync(join(folder, 'packages.nix'), PACKAGES)
  writeFileSync(join(folder, 'script.sh'), 'echo script\n')
  return commitFlake(folder, FLAKE)
}

/** Commits a `flake.nix` and whatever else lies in the folder. @returns the commit */
export function commitFlake(folder: string, flake: string): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'flake.nix'), flake)
  git(folder, 'init', '--quiet')
  return commitFile(folder, '.')
}

/** Commits a file or a folder. @returns the commit */
export function commitFile(folder: string, path: string): string {
  git(folder, 'add', '--', path)
  git(folder, 'commit', '--quiet', '--message', 'flake')
  return git(folder, 'rev-parse', 'HEAD').trim()
}

function git(folder: string, ...args: string[]): string {
  return execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args], {
    cwd: folder,
    encoding: 'utf8',
  })
}

/** The system of this machine, as the sample flake names it. */
export const HOST_SYSTEM = process.arch === 'arm64' ? 'aarch64-linux' : 'x86_64-linux'
