import { buildSync } from 'esbuild'
import { join } from 'node:path'

// As in scripts/build.ts: dependencies that are CommonJS call `require`, which an ES module does not have.
const requireForCommonJs =
  "import { createRequire as createRequireForBundle } from 'node:module';const require = createRequireForBundle(import.meta.url);"

/**
 * Bundles one of `bench/sides/` to a single JavaScript file, as functions and builders are deployed: reading TypeScript is no part of what is measured.
 * @returns the path of the bundle
 */
export function bundleSide(name: string, folder: string): string {
  const outfile = join(folder, `${name}.mjs`)
  buildSync({
    entryPoints: [join(import.meta.dirname, 'sides', `${name}.ts`)],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node22.15',
    mainFields: ['module', 'main'],
    banner: { js: requireForCommonJs },
    logLevel: 'warning',
  })
  return outfile
}
