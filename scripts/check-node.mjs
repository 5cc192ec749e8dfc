// Plain JavaScript that any Node runs: says what to do where Node is too old, before TypeScript files fail with a syntax error.
// npm puts node_modules/.bin first on PATH, and on Linux the optional dependency node-linux-<arch> puts Node 24 there.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    `Hearth runs on Node 24 or newer, and this is ${process.version} on ${process.platform}-${process.arch}.\n` +
      'On Linux (x64, arm64) `npm ci` brings Node 24 by itself: run it again without --omit=optional, and start Hearth with `npm run …`.\n' +
      'Elsewhere install Node 24 (https://nodejs.org or `nix shell nixpkgs#nodejs_24`).',
  )
  process.exit(1)
}
