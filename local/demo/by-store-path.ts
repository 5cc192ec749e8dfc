import { join } from 'node:path'
import { makeClient } from './client.ts'
import type { DemoMachine } from './machine.ts'
import { readNixOutput } from './nix-output.ts'
import { mustSucceed } from './on-machine.ts'
import type { DemoWorld } from './world.ts'

/** What a machine did that was told nothing but a store path. */
export interface Fetched {
  path: string
  downloaded: { path: string; from: string }[]
  /** what the program printed */
  printed: string
}

/**
 * Gets a package of the flake by its store path alone, on a machine that has neither a checkout nor anything in its store, and runs its program. It
 * cannot build, and evaluates nothing: whatever the program needs must have been published.
 * @param checkout on the laptop, which knows the store path
 * @param program in the package's `bin`
 */
export async function fetchByStorePath(
  { folder, bridge, publicKey, upstream, laptop }: DemoWorld,
  checkout: string,
  attribute: string,
  program: string,
): Promise<Fetched> {
  const { stdout: path } = await mustSucceed(laptop, [
    'nix',
    'eval',
    '--raw',
    `${checkout}#${attribute}.outPath`,
  ])
  const caches = { bridge: bridge.url, ourKeys: [publicKey], upstream }
  const machine: DemoMachine = await makeClient(join(folder, 'machines', 'server'), 'server', caches, {
    'max-jobs': '0',
  })
  const { stderr } = await mustSucceed(machine, ['nix-store', '--realise', path])
  const { stdout } = await mustSucceed(machine, [join(path, 'bin', program)])
  return { path, downloaded: readNixOutput(stderr).downloaded, printed: stdout.trim() }
}
