import { buildSync } from 'esbuild'
import { join } from 'node:path'

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
    platform: 'node',
    format: 'esm',
    target: 'node22.15',
    logLevel: 'warning',
  })
  return outfile
}
